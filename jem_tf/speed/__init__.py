"""Benchmarks: how fast a training step is, and how fast the machine could compute it.

`flops` counts a step's operations, `timing` measures seconds, peaks and memory, and
`measurements` times a training step and its parts.
"""
