"""Pictures drawn from a trained run, as `jem-tf sample` makes them.

    request            a user's request, and the sampling plan that it gives for a run
    inpainting_inputs  the image to inpaint, and the mask of its free pixels
    pictures           grids, strips and films of chains, inpaintings
    output             files named after their settings; all are written or none

How images are sampled is in `jem_tf/sampling.py`. This folder imports the model,
`datasets`, `runs`, `figures` and `evaluation`.
"""
