"""Serving: use of a trained run from Python, and its export for model servers.

    predictor           `jem_tf.load`: classes, log p(x), scores, samples
    classification      classes, confidence, and whether the model knows such images
    argument_checks     checks of the images, labels and numbers that a user gives
    exporting           writes a run as a SavedModel, with its model card
    signatures          the functions of an exported model
    decoding            decodes picture files to images, within a graph
    orientation         reads which way up a picture file is, within a graph
    served_calibration  temperature and OOD threshold, fitted on validation images
    run_calibration     both of a run, by the score that it can have
    packing             packs a run into a small folder, to keep, send or ship
    model_card          the README.md beside an exported model

This folder imports the model, `datasets`, `runs` and `evaluation`.
"""
