"""The programs: `jem-tf SUBCOMMAND`, and the scripts in `tools/` that call the same.

    main            the subcommands by name; runs one of them
    command         what all share: flags by subject, --help, one sentence for bad input
    run_flags       flags of the commands that read a trained run
    cpu_advice      names the preset for CPUs where a run takes days
    evaluation_command  the steps of every `jem-tf evaluate`
    evaluate_robustness_flags, evaluate_samples_flags
                    flags of two that have many, and what they choose
    evaluate_all_parts  the commands that `jem-tf evaluate all` runs, with their flags
    evaluate_all_tasks  runs them one after the other, and keeps what is done
    evaluate_all_runs   the runs that it measures: one, its baseline, and other seeds
    benchmark, classify, demo, diagnose, evaluate_all, evaluate_calibration,
    evaluate_ood, evaluate_robustness, evaluate_samples, export, import_lowered,
    import_pytorch, lower, pack, pretrained, report, sample
                    the subcommands; `jem-tf train` is `jem_tf/train.py`

Only this folder, `jem_tf/train.py` and `runs/flagfiles.py`, which makes options of
flags, know flags. It imports everything but `train`.
"""
