"""Training: the loop over steps, and what watches, shows and interrupts it.

    loop           takes the steps of a run from where it stands to its end
    guard          sees training diverge, and says how to try again
    callbacks      what a run shows and keeps while it trains
    cluster        which replicas train, and in which processes
    signals        SIGTERM and Ctrl-C
    announcements  what a run prints when it starts and when it has its results

This folder imports the model, `datasets`, `runs`, `figures` and `evaluation`; nothing
that serves.
"""
