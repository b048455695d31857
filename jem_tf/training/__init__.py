"""Training: the loop over steps, and what watches, shows and interrupts it.

    preparation    what a run needs before its first step: devices, folder, data, model
    loop           takes the remaining steps of a run
    guard          detects that training diverges, and has the run try again
    retry_options  what each retry changes
    drift          detects that the sampler falls behind, for the guard
    callbacks      measure, print and log a run while it trains
    pace           says what a step takes, and when the run will end
    cluster        which replicas train, and in which processes
    signals        SIGTERM and Ctrl-C
    announcements  what a run prints when it starts and when it has its results

This folder imports the model, `datasets`, `runs`, `figures` and `evaluation`; not
`lowering`, `generation`, `serving` or `commands`.
"""
