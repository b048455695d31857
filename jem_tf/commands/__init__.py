"""The programs: `jem-tf SUBCOMMAND`, and the scripts in `tools/` that call the same.

    main      the subcommands by name, and which of them was asked for
    command   what all share: flags by subject, --help, one sentence for bad input
    run_flags flags of the commands that look at a trained run
    others    one file a subcommand; `jem-tf train` is `jem_tf/train.py`

Only this room and `jem_tf/train.py` know flags. It imports everything but `train`.
"""
