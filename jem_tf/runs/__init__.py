"""Runs: the model that options describe, and runs on disk.

    run_folder          the folder of a run and the files in it
    run_lock            lets one run, in one process, train in a folder
    flagfiles           options as flags, presets, and RUN/run.flags
    training_state      the state of training, which a checkpoint's state.json has
    checkpoint_files    one checkpoint on the disk
    packed_checkpoint   a checkpoint in one small file, without the optimizer
    int8_weights        a network's weights in one file, a byte a number
    checkpoint_manager  all checkpoints of a run: saved, restored, pruned
    build               from options to network, buffer, sampler, batches, optimiser
    option_checks       refuses options that contradict each other
    initial_weights     what a run starts from: another run, or a Keras network
    initial_sources     reads such a network, whatever its file
    pretrained_models   the models that come with the package, by name
    loading             a trained run, read back, and the data it was trained on

This folder imports the mathematics, the model, `datasets` and `options`; nothing that
evaluates, trains or serves.
"""
