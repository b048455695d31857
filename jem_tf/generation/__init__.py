"""Pictures drawn from a trained run, as `jem-tf sample` makes them.

    request            what is asked for, and what that means for a run
    inpainting_inputs  the image to paint in, and which of its pixels are free
    pictures           grids, strips and films of chains, inpaintings
    output             files: names that tell the settings, all of them written or none

How images are sampled is in `jem_tf/sampling.py`. This folder imports the model,
`datasets`, `runs`, `figures` and `evaluation`.
"""
