"""The machine that a program runs on: its disk, its hardware, its terminal.

    files             writes files and folders atomically
    cache             the user's cache folder
    hardware          which precision and compiler suit this machine
    console           prints lines above a progress bar
    texts             checks and shortens text from outside, such as names
    tensorflow_setup  imports TensorFlow as Keras's backend, without start-up messages

This folder imports `jem_tf.errors` alone, and nothing of models, data sets or runs.
"""
