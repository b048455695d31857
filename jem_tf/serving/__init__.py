"""Serving: a trained run at work in Python, and exported for servers.

    predictor        `jem_tf.load`: classes, log p(x), scores, samples
    exporting        a run as a SavedModel, with its model card
    signatures       what an exported model answers, in plain TensorFlow operations
    decoding         bytes of picture files to images, within a graph
    operating_point  temperature and OOD threshold, found on validation images
    model_card       the README.md beside an exported model

This room imports everything to its left in `CONTRIBUTING.md`.
"""
