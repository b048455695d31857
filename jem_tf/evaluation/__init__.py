"""What is measured of a model: one file a question, each returns {name: number}.

    monitoring         what a run measures of itself while it trains and when it ends
    calibration_error  does confidence match accuracy? ECE, NLL, Brier score
    outlier_detection  does the model tell outliers from images like its training data?
    ood_scores         the scores that tell them apart; a table, SCORES
    sample_quality     how near are samples to real images? FID, KID, Inception Score
    features           networks whose features are compared for it; their signature
    inception_network  the Inception network of the literature as one of them
    inception_file     finds that network's file, or downloads it
    reference          the features of real images that samples are compared with
    sample_sources     the samples that are measured: of the buffer, or fresh chains
    sample_figures     the figures of those samples
    neighbours         the training images nearest to samples
    convergence        how well Markov chains explore: ESS and R-hat
    robustness         accuracy under adversarial attack
    attacks            the attacks by name; a table, ATTACKS
    pgd                projected gradient descent, the paper's attack
    attack_gradients   what gradient attacks share: loss, margin, the best points
    run_attacks        attacks a model, and classifies what was found
    refinement         the defence: the sampler refines images before classification
    robust_accuracy    accuracies from what the attacks found
    attack_checks      checks that would reveal a broken attack
    distal             images of noise that are driven to a class
    inference          a model's outputs for many images, in batches
    findings           results on the disk, with the protocol that they were made by
    tables             results as tables of text
    html_report        results of one run or two as a web page

This folder imports the mathematics (`energies`, `samplers`, `metrics`, ...), the model,
`datasets`, `runs`, `figures` and `system`; not `training`, `generation`, `serving` or
`commands`, which import it.
"""
