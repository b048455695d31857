"""The generative losses of a training step, which teach log p(x) and log p(x, y).

Each compares the energies of real images with those of images drawn from the model. How
it compares them is the objective:

    difference   mean E(real) - mean E(drawn)
    logistic     mean 2 log(1 + exp(E(real) - E(drawn))), over pairs

What E means at the optimum depends on the objective. Letters: p is the density of real
images and q that of the drawn ones, which a step does not differentiate.

To add an objective, write its function and enter it in OBJECTIVES: `--objective` then
takes its name, and the conformance test of the table includes it.

Letters: B labelled images, n images of any other kind, K classes; energies in nats.
"""

from collections.abc import Mapping
from typing import Protocol

import tensorflow as tf

from jem_tf.energies import joint_energy, marginal_energy
from jem_tf.errors import InputError, argument

ALTERED_MARGIN = 1.0  # nats by which an altered image's energy is to be the higher


class Objective(Protocol):
    """Compares energies of real images with those of drawn ones; lower is better.

    Its slope at equal energies is 1 for a real image and -1 for a drawn one, each over
    n, so that one weight of log p(x) serves all objectives.

    Args:
      real: float [n], energies of real images.
      drawn: float [n], energies of images drawn from the model.

    Returns:
      A scalar in nats.

    Raises:
      InputError: if the numbers of images differ and the objective compares pairs.
    """

    def __call__(self, real: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor: ...


def difference(real: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """The paper's: mean E(real) - mean E(drawn), [n], [m] -> [] (equation 2).

    If the drawn images are samples of exp(-E) / Z, its gradient is that of
    -log p(x) of the real images, so at the optimum E = -log p up to a constant. For any
    other q it has no optimum: it falls without bound wherever p and q differ.

    Source: Grathwohl et al. 2020, equation 2; Tieleman 2008.
    """
    return tf.reduce_mean(real) - tf.reduce_mean(drawn)


def logistic(real: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """Twice the mean softplus of E(real) - E(drawn), of pairs by position: [n] -> [].

    This is logistic regression of the question which image of a pair is the real one,
    with the log-odds E(b) - E(a) that it is a. The log-odds that a is from p and b from
    q, rather than the reverse, are log p(a)/q(a) - log p(b)/q(b). So for a fixed q the
    optimum is

        E = -log p/q + constant,

    unique where p and q are positive: E is the density ratio of real and drawn images,
    and not -log p. If the drawn images are samples of exp(-E/T) / Z at the same time,
    both hold at E = -T/(1 + T) log p + constant, where the samples are of a density
    proportional to p^(1/(1 + T)). At a low temperature T, such as that of the paper's
    steps, samples are nearly of p and E is nearly -T log p: energies order images by
    density, but are not in nats of log p(x).

    The value is at least 0, and the slope of a pair is between 0 and 2, twice the
    probability that the pair is judged wrongly. A sampler that falls behind is not
    outrun, as pairs that are told apart easily stop counting.

    Source: Jolicoeur-Martineau 2018 (arXiv 1807.00734), the loss of the discriminator
    of the relativistic GAN; Gutmann & Hyvarinen 2012 (JMLR 13), section 2, for the
    ratio as the optimum of logistic regression. The factor 2 is ours, see `Objective`.

    Raises:
      InputError: if `real` and `drawn` are not of one shape.
    """
    real, drawn = tf.convert_to_tensor(real), tf.convert_to_tensor(drawn)
    if not real.shape.is_compatible_with(drawn.shape):
        raise InputError(
            f"{argument('objective', 'logistic')} compares pairs, and there are "
            f"{real.shape[0]} real images and {drawn.shape[0]} drawn ones; give as "
            "many of each."
        )
    return 2 * tf.reduce_mean(tf.nn.softplus(real - drawn))


OBJECTIVES: dict[str, Objective] = {"difference": difference, "logistic": logistic}


def altered_loss(real: tf.Tensor, altered: tf.Tensor) -> tf.Tensor:
    """Mean softplus of E(real) - E(altered) + ALTERED_MARGIN: [n], [n] -> [].

    It raises the energy of altered real images, which no chain reaches, until they are
    the margin and more above real ones. Its slope vanishes there, so that log p(x) is
    otherwise left to the objective. The term is ours; it is `logistic` with a margin
    and without its factor 2.
    """
    return tf.reduce_mean(tf.nn.softplus(real - altered + ALTERED_MARGIN))


def find(name: str) -> Objective:
    """The objective called `name`, a key of OBJECTIVES.

    Raises:
      InputError: if there is no such objective.
    """
    if not isinstance(name, str) or name not in OBJECTIVES:
        raise InputError(
            f"{argument('objective', name)} is not known; choose one of "
            f"{', '.join(OBJECTIVES)}."
        )
    return OBJECTIVES[name]


def label_smoothing(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """What smoothing adds to the cross-entropy: [B, K], int [B] or [B, 1] -> [B].

    A target of 1 - s for the label and s / K more for every class costs
    -sum_k target_k log p(k | x) = -log p(y | x) + s (f_y - mean_k f_k). The result is
    f_y - mean_k f_k, in nats, for any s (Szegedy et al. 2016, section 7).
    """
    of_label = -joint_energy(logits, labels)
    return of_label - tf.reduce_mean(logits, axis=-1)


def generative_loss(
    logits: Mapping[str, tf.Tensor],
    labels: tf.Tensor,
    *,
    p_x_weight: float,
    p_x_y_weight: float,
    energy_l2: float,
    objective: Objective = difference,
    altered_weight: float = 0.0,
    given: str = "labelled",
) -> tuple[tf.Tensor, tf.Tensor]:
    """The generative terms of the joint loss.

    Args:
      logits: {kind of images: [n, K]}. The kinds are "labelled"; "real", if log p(x)
        learns from other images than the labelled ones; "drawn", the negatives of
        log p(x); "drawn_by_label", those of log p(x, y); and "altered", real images
        made wrong (`alterations`), one for each real one. A term whose negatives are
        missing is left out.
      labels: int [n], the labels of `given` and of "drawn_by_label".
      p_x_weight, p_x_y_weight: the weights of the two terms.
      energy_l2: weight of mean E(x)^2 of real images plus mean E(x)^2 of drawn ones.
      objective: how energies are compared: E(x) for log p(x), E(x, y) for log p(x, y).
      altered_weight: weight of `altered_loss`, whatever the objective.
      given: the kind of images that log p(x, y) learns from, "labelled" or "real".

    Returns:
      (the loss, a scalar in nats; E(x) of all drawn images, [n]).
    """
    real = marginal_energy(logits.get("real", logits["labelled"]))
    loss, energies = 0.0, []
    if "drawn" in logits:
        energies.append(marginal_energy(logits["drawn"]))
        loss += p_x_weight * objective(real, energies[-1])
    if "drawn_by_label" in logits:
        energies.append(marginal_energy(logits["drawn_by_label"]))
        known = joint_energy(logits[given], labels)
        dreamt = joint_energy(logits["drawn_by_label"], labels)
        loss += p_x_y_weight * objective(known, dreamt)
    if "altered" in logits:
        loss += altered_weight * altered_loss(real, marginal_energy(logits["altered"]))
    drawn = tf.concat(energies, axis=0)
    squares = tf.reduce_mean(tf.square(real)) + tf.reduce_mean(tf.square(drawn))
    return loss + energy_l2 * squares, drawn
