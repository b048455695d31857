"""Whether the numbers of a JEM's loss are in their ranges."""

from collections.abc import Sequence

from jem_tf.errors import InputError, argument


def check(
    weights: Sequence[float],
    *,
    altered_weight: float,
    label_smoothing: float,
    energy_l2: float,
    input_noise: float,
    gradient_clip: float | None,
) -> None:
    """Refuses numbers that no loss has.

    Args:
      weights: of log p(x), log p(y|x) and log p(x, y).
      altered_weight, label_smoothing, energy_l2, input_noise, gradient_clip: as of
        `jem.JEM`.

    Raises:
      InputError: if one is out of its range.
    """
    p_x_weight, _, p_x_y_weight = weights
    if not all(weight >= 0 for weight in weights) or sum(weights) == 0:
        raise InputError(f"Weights {tuple(weights)} must not be negative, nor all 0.")
    generative = p_x_weight + p_x_y_weight > 0
    if not altered_weight >= 0 or (altered_weight and not generative):
        raise InputError(
            f"{argument('altered_weight', altered_weight)} must not be negative, "
            "and is for log p(x) and log p(x, y); give one of them a weight."
        )
    for name, value in (("energy_l2", energy_l2), ("input_noise", input_noise)):
        if not value >= 0:
            raise InputError(
                f"{argument(name, value)} must not be negative; give 0 or more."
            )
    if gradient_clip is not None and not gradient_clip > 0:
        raise InputError(
            f"{argument('gradient_clip', gradient_clip)} bounds a norm; give a "
            "number above 0, or None for no bound."
        )
    if not 0 <= label_smoothing <= 1:
        raise InputError(
            f"{argument('label_smoothing', label_smoothing)} is a probability; "
            "give a number in [0, 1]."
        )
