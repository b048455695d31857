"""Evaluation of a model: one file for each question; each returns {name: number}.

    monitoring         what a run measures of itself while it trains and when it ends
    calibration_error  does confidence match accuracy? ECE, NLL, Brier score
    class_reliability  the same of every class
    shifted_calibration  the same on corrupted images, by severity
    outlier_detection  does the model tell outliers from images like its training data?
    outlier_groups     the same over groups of sets, near and far; what a score costs
    penultimate        the features that a network's last layer reads, for scores
    scorer             computes scores of outliers, `ood_scores`, by a model
    fitted_scores      what the scores were fitted to, kept with the run
    served_score       the score that is_ood goes by, and what it makes of noise
    sample_quality     how near are samples to real images? FID, KID, precision, ...
    features           networks that compute features for FID and KID; their signature
    inception_network  the Inception network, which the literature uses
    inception_file     finds or downloads the file of the Inception network
    reference          the features of real images that samples are compared with
    sample_sources     the samples to measure: from the buffer, or from fresh chains
    sample_figures     figures of the samples
    sample_export      samples as files that other tools measure
    neighbours         the training images nearest to samples
    memorisation       has the model memorised training images?
    mcmc_diagnostics   how well Markov chains explore: ESS and R-hat
    robustness         accuracy under adversarial attack
    attacks            the attacks by name; a table, ATTACKS
    pgd                projected gradient descent, the paper's attack
    autoattack         a folder: AutoAttack, four attacks in turn on JEM-0
    attack_gradients   what gradient attacks share: loss, margin, the best points
    run_attacks        attacks a model, and classifies the points found
    defence_attacks    attacks every JEM-k, by gradients and by the points of JEM-0
    refinement         the defence: the sampler refines images before classification
    robust_accuracy    accuracies at the points that attacks found
    attack_checks      sanity checks, which can reveal a broken attack
    distal             noise that is driven to a class
    inference          a model's outputs for many images, in batches
    findings           results on disk, with the protocol of how they were measured
    tables             results as tables of text
    part_states        what is measured of a run, so that an evaluation can go on
    seed_summary       means and standard deviations over runs of one recipe
    html_report        results of one run or two as a web page
    report_page        a folder: the parts of this page

This folder imports the mathematics (`energies`, `metrics`, `ood_scores`, ...), the
model, `datasets`, `runs`, `figures` and `system`; not `training`, `generation`,
`serving` or `commands`, which import it.
"""
