"""What makes a JEM an ordinary Keras model: what users hand over, and how it is saved.

    batch_checks     whether images and labels are what the model expects
    batch_watch      the same for all that goes into one call, arrays and streams
    network_checks   whether a network of a user's own ends in logits, and of what shape
    scaling_checks   whether a network scales pixels as if they were bytes
    loss_checks      whether the numbers of a loss are in their ranges
    sampler_checks   whether a sampler can be called
    compile_checks   whether a loss and metrics take logits
    checked_model    fit, evaluate and predict with these checks
    first_variables  variables of the optimiser and metrics, before they are needed
    saving           the replay buffer in Keras's files of weights
    gradient_count   how many gradients a model was given, for its seeds
    configuration    a JEM as a configuration, for Keras's save and load_model
    registration     the names by which Keras finds our classes in a file

This folder imports what the configuration names (networks, samplers, starts), so that
`jem.py` does not.
"""
