"""Sees the sampler fall behind: drawn images whose energies leave those of real ones.

G is the average of the gap E(drawn) - E(real), and s the standard deviation of E(x)
over real images x, in nats; the weight of a step falls by 1/WINDOW at each later step.
A run drifts if

    G / s > guard_drift    or    G > guard_drift_gap.

G / s is the effect size of Glass (1976, "Primary, secondary, and meta-analysis of
research") with real images as the control group: how many of their own standard
deviations the average drawn image lies above real ones. It is 0 where the model's
density is that of the data, and does not depend on the scale of E or on the size of a
batch. s comes from the readings: half the mean squared difference of successive steps'
mean E(real) is the variance of a batch's mean without the trend (von Neumann et al.
1941, "The mean square successive difference"). The model holds a real image for about
e^G times as likely as a drawn one; hence the bound on G itself, which sees a run early
in which s grows with G.

A trend against its own past, such as a slow average against a fast one, was tried and
does not tell: every run begins with a rise, over which the z-score of a healthy run
(11) exceeds that of a run whose samples became blurs (10). Where the gap settles tells
them apart: of runs on CIFAR-10, healthy ones settled at up to .97 standard deviations
and sick ones at 1.3 to 2.3.

This rule cannot see samples that decay while their energies are those of real images.
In batches of many hundreds, s also has the noise of the weights, and G / s is small.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

WINDOW = 150  # steps, the time constant of the averages
START = 2 * WINDOW  # steps without a verdict: chains and energies find each other first
LIMIT = 20.0  # nats, the most that the gap of one step counts
LEAST_SPREAD = 1.0  # nats; energies that differ by less are equal


@dataclasses.dataclass(frozen=True)
class Drift:
    """What the detector remembers of a run's steps.

    steps: how many steps it has seen.
    gap: their average, begun at 0, in nats: `mean_gap` divides by the sum of weights.
    variance: the same of half the squared difference of mean E(real), in nats^2.
    real: mean E(real) of the last step, in nats.
    seen: whether a drift was seen already.
    """

    steps: int = 0
    gap: float = 0.0
    variance: float = 0.0
    real: float = 0.0
    seen: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Drift":
        """Makes one of what `dataclasses.asdict` gave; {} is one that saw nothing."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: values[name] for name in names if name in values})

    def after(self, gap: float, real: float) -> "Drift":
        """The state after a step with these readings, in nats."""
        change = (real - self.real) ** 2 / 2 if self.steps else 0.0
        return dataclasses.replace(
            self,
            steps=self.steps + 1,
            gap=_add(self.gap, max(-LIMIT, min(gap, LIMIT))),
            variance=_add(self.variance, change),
            real=real,
        )

    @property
    def mean_gap(self) -> float:
        """G, in nats; 0 before the first step."""
        return self.gap / _weight(self.steps) if self.steps else 0.0

    def spread(self, images: int) -> float:
        """s, in nats, for readings that are means over so many images."""
        if self.steps < 2:
            return LEAST_SPREAD
        variance = self.variance / _weight(self.steps - 1)
        return max(math.sqrt(variance * images), LEAST_SPREAD)

    def describe(self, images: int, *, spreads: float, nats: float) -> str | None:
        """Says in words what is beyond a bound, or None.

        Args:
          images: over how many real images a reading of E(real) is a mean.
          spreads: bound on G / s; 0 is none.
          nats: bound on G; 0 is none.
        """
        if self.steps < START:
            return None
        gap, ratio = self.mean_gap, self.mean_gap / self.spread(images)
        if spreads and ratio > spreads:
            return (
                f"drawn images lie {ratio:.3g} standard deviations of real images' "
                f"energies above them, beyond {spreads:g} (average gap {gap:.3g})"
            )
        if nats and gap > nats:
            return f"the average of E(drawn) - E(real) is {gap:.3g}, beyond {nats:g}"
        return None


def _add(total: float, value: float) -> float:
    return total + (value - total) / WINDOW


def _weight(steps: int) -> float:
    """The sum of the weights of so many steps."""
    return 1 - (1 - 1 / WINDOW) ** steps
