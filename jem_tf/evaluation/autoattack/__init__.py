"""AutoAttack: four attacks in turn on a deterministic classifier, without tuning.

    standard_set      the four in their order; an image that one broke is left out
    run_standard_set  attacks a model within every radius; what each part broke
    apgd              Auto-PGD, on the cross-entropy or the targeted DLR loss
    fab               FAB, which looks for the nearest point of another class
    square            Square attack, which takes no gradient
    square_windows    the sizes and patterns of Square attack's windows
    hyperplanes       the shortest way from a point to a hyperplane, within [0, 1]
    balls             lengths, directions and projections in L-inf and L2
    losses            what the attacks raise or lower, from logits
    image_states      the states of many images, advanced in batches until they break

Letters as in `attack_gradients`: N or B images [H, W, C] with pixels in [0, 1]; K
classes; y the correct class, t another; z logits. A radius is in pixels of [0, 1] here.

Sources: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble
of diverse parameter-free attacks", ICML 2020 (2003.01690); "Minimally distorted
adversarial examples with a fast adaptive boundary attack", ICML 2020 (1907.02044);
Andriushchenko et al., "Square Attack", ECCV 2020 (1912.00049). Where the papers leave
something open, the authors' program (fra31/auto-attack) was followed. The code is ours.

This folder imports `evaluation`, and what that imports.
"""
