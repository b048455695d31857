"""Serving: a trained run at work in Python, and exported for servers.

    predictor           `jem_tf.load`: classes, log p(x), scores, samples
    argument_checks     whether images, labels and numbers given to it are valid
    exporting           a run as a SavedModel, with its model card
    signatures          what an exported model answers, in plain TensorFlow operations
    decoding            bytes of picture files to images, within a graph
    served_calibration  temperature and OOD threshold, found on validation images
    model_card          the README.md beside an exported model

This folder imports the model, `datasets`, `runs` and `evaluation`.
"""
