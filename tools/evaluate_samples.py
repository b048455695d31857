"""How good are a run's samples? FID, KID and Inception Score, and pictures of them.

    python tools/evaluate_samples.py --workdir=RUN --inception=GRAPH.pb
    python tools/evaluate_samples.py --workdir=RUN --source=fresh --steps=200
    python tools/evaluate_samples.py --workdir=RUN --features=network

Writes RUN/results/samples.json, RUN/figures/samples_{grid,classes,neighbours}.png and
TensorBoard's; docs/evaluation.md says what each number is.
"""

import jem_tf.system.quiet  # before TensorFlow, whose chatter it mutes  # noqa: F401

# isort: split
from absl import flags

from jem_tf import starts
from jem_tf.commands import command
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import (
    features,
    fidelity,
    findings,
    inception_file,
    inception_network,
    reference,
    sample_figures,
    sample_sets,
)
from jem_tf.runs import build
from jem_tf.system import log

SOURCE = flags.DEFINE_enum(
    "source",
    "auto",
    ["auto", "buffer", "fresh"],
    "the replay buffer's images as they are, or fresh chains; auto: buffer, if any",
)
COUNT = flags.DEFINE_integer(
    "count", 0, "samples; 0: 10,000, or the buffer's size if that is smaller", 0
)
STEPS = flags.DEFINE_integer(
    "steps", 0, "of a fresh chain; 0: the mean of a chain of the buffer, K / rho", 0
)
STEP_SIZE = flags.DEFINE_float(
    "step_size", None, "of a fresh chain, times the score; default: the run's", 0
)
NOISE = flags.DEFINE_float(
    "noise", None, "of a fresh chain's step, in pixels; default: the run's", 0
)
CONDITIONAL = flags.DEFINE_bool(
    "conditional", False, "fresh chains down E(x, y), classes in turn"
)
CONFIDENT = flags.DEFINE_float(
    "confident", 1, "share kept of each predicted class, by max p(y|x)", 1e-6, 1
)
REFERENCE = flags.DEFINE_enum(
    "reference", "train", ["train", "test"], "real images: all but test's, or test's"
)
STATS = flags.DEFINE_string(
    "reference_stats", "", ".npz with their mu and sigma instead; no KID then"
)
FEATURES = flags.DEFINE_enum(
    "features", "inception", ["inception", "network"], "whose; network: the run's own"
)
INCEPTION = flags.DEFINE_string(
    "inception", "", f"{inception_file.NAME}; downloaded once if not given"
)
SHA256 = flags.DEFINE_string("inception_sha256", "", "that it must have")
PRECISION = flags.DEFINE_enum(
    "inception_precision",
    "auto",
    inception_network.PRECISIONS,
    "auto: as the hardware likes",
)


def evaluate(subject):
    """What `program.start` runs."""
    run, data, limit, seed, _ = subject
    fresh, drawing = chains(subject)
    network = choose_network(run, data)
    count = sample_sets.how_many(run.model, COUNT.value, limit, fresh)
    features.check_count(count, network)
    real, against = reference.choose_reference(
        data, network, split=REFERENCE.value, stats=STATS.value, limit=limit
    )
    drawn = sample_sets.draw(
        run.model, count, fresh, conditional=CONDITIONAL.value, seed=seed
    )
    kept = sample_sets.confident(run.model, drawn, CONFIDENT.value)
    more = f"{argument('count')}, {argument('limit')} or {argument('confident')}"
    features.check_count(len(kept), network, more)
    protocol = drawing | {
        "samples_drawn": len(drawn),
        "confident": CONFIDENT.value,
        "rounding": "clipped to [-1, 1], rounded to 8 bits before the network",
        "order": "shuffled by the seed",
        "features": network.protocol(),
        "reference": against,
        "definitions": fidelity.DEFINITIONS,
        "figures": sample_figures.protocol(fresh),
    }
    metrics = fidelity.evaluate_fidelity(kept, network, real)
    pictures = sample_figures.pictures(run.model, kept, data, fresh=fresh, seed=seed)
    return findings.Findings(metrics, protocol, pictures)


def chains(subject):
    """(samples.Fresh, or None for the buffer's chains; what the protocol says)."""
    model, opts = subject.run.model, subject.run.options
    plain = model.buffer is None
    if plain and SOURCE.value == "buffer":
        raise InputError("--source=buffer: a plain classifier has none; leave it out.")
    if not plain and SOURCE.value != "fresh":
        for flag in (STEPS, STEP_SIZE, NOISE, CONDITIONAL):
            if flag.value != flag.default:
                raise InputError(
                    f"--{flag.name}={flag.value} is for fresh chains; give "
                    "--source=fresh."
                )
        return None, sample_sets.of_buffer_protocol(model, opts.sampling.sampler_steps)
    if plain:
        log.say("a plain classifier has no buffer: fresh chains from U(-1, 1)")
        start = starts.uniform(subject.data.train.images.shape[1:])
    else:
        start = build.make_start(opts, subject.data)
    named = "uniform" if plain else opts.sampling.start
    walk = build.make_sampler(opts.sampling, **changes(opts.sampling))
    fresh = sample_sets.Fresh(model, start, walk)
    return fresh, fresh.protocol(named, conditional=CONDITIONAL.value)


def changes(sampling):
    """What is other than in the run's own sampler: {argument of `sgld`: value}."""
    asked = {"step_size": STEP_SIZE.value, "noise": NOISE.value}
    length = sample_sets.mean_length(sampling.sampler_steps, sampling.reinit_prob)
    asked["steps"] = STEPS.value or length
    return {name: value for name, value in asked.items() if value is not None}


def choose_network(run, data):
    """What samples are looked at through."""
    if FEATURES.value == "network":
        return features.Penultimate(run.model.network)
    inception_network.check_size(
        data.test.images,
        run.options.data.dataset,
        remedy=f"give {argument('features', 'network')} for the run's own network",
    )
    place = inception_file.find_graph(INCEPTION.value, sha256=SHA256.value)
    bfloat16 = inception_network.in_bfloat16(PRECISION.value)
    network = inception_network.Inception(place, bfloat16=bfloat16)
    if not network.has_softmax:
        log.say(
            f"{place} has no {inception_network.SOFTMAX}: the Inception Score is left out"
        )
    return network


if __name__ == "__main__":
    command.define(flags.FLAGS)
    command.start("samples", evaluate, flags.FLAGS)
