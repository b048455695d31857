"""The training step as a program of its own, for machines that have JAX alone.

    program            lowers a model's training step to StableHLO
    index_shuffle      the order of the examples, in operations that XLA compiles
    lowered_run        lowers a run: the folder of the program, its state and its data
    runner             trains from such a folder; imports NumPy and JAX, nothing of ours
    checkpoint_import  makes a checkpoint of the run from the runner's

This folder imports the model, `datasets`, `runs` and `training`.
"""
