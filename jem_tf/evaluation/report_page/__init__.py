"""The parts of the report, the web page that `html_report` puts together.

    run_results        what is on the disk of a run: results, their figures, what lacks
    metric_names       names that a reader knows for the keys of metrics
    published_numbers  numbers of the literature, with protocol and source
    comparison         which numbers may stand in one column: those of one protocol
    sentences          how a number is said: with its interval, as can or cannot
    capabilities       what the model can and cannot do, in cards
    outlier_sentences  the same of outliers
    attack_sentences   the same of attacks
    card_pictures      the pictures of the cards, drawn from the results
    markup             HTML of tables and pictures
    first_screen       the cards as HTML, and what was not measured
    published_section  the run beside published numbers, as HTML
    sections           the tables, figures and protocols of an evaluation, as HTML
    seeds_section      means and deviations over seeds, as HTML
    curves             the curves of the training, from TensorBoard's logs
    style              the style sheet

This folder imports `ood_scores`, `runs`, `figures`, `system`, and of `evaluation` its
`findings`, `tables`, `part_states` and `seed_summary`.
"""
