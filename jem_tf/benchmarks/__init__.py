"""Benchmarks: how fast a training step is, and how fast the machine could compute it.

    flops          counts the floating-point operations of a step
    timing         measures seconds, the machine's peaks, and memory
    training_step  times a training step and its parts

This folder imports the model, `datasets`, `runs` and `training`.
"""
