"""Runs: from options to a model and back from the disk.

    run_folder          the folder of a run: what is where
    claiming            who may train in it
    flagfiles           options as flags, presets, and RUN/run.flags
    training_state      where a run stands: what a checkpoint's state.json says
    checkpoint_files    one checkpoint on the disk
    checkpoint_manager  all checkpoints of a run: saved, restored, pruned
    build               from options to network, buffer, sampler, batches, optimiser
    loading             a trained run, read back, and the data it was trained on

This folder imports the mathematics, the model, `datasets` and `options`; nothing that
trains, evaluates or serves.
"""
