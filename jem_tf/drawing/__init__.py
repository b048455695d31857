"""Pictures drawn from a trained run, as `jem-tf sample` makes them.

    request      what is asked for, and what that means for a run
    inpainting   the image to paint in, and which of its pixels are free
    pictures     grids, strips and films of chains, inpaintings
    output       files: names that tell the settings, all of them written or none

How chains are drawn is in `jem_tf/chains.py`. This room imports everything to its left
in `CONTRIBUTING.md`.
"""
