"""Does the model know what it does not know? The paper's section 5.3."""

from jem_tf.datasets import outliers
from jem_tf.evaluation import ood_scores
from jem_tf.figures import plots
from jem_tf.metrics import ood

LABEL = "log p(x) + const, nats"


def measure(model, test_images, sets, *, temperature, seed=0):
    """How well each score tells test images from each set of outliers.

    Args:
      model: a JEM.
      test_images: uint8 [N, H, W, C].
      sets: {name: images uint8 [M, H, W, C], or float in [-1, 1]}.
      temperature: T of the energy score.
      seed: int, of the bootstrap.

    Returns:
      ({"auroc/<set>/<score>": number, "auroc/<set>/<score>_ci": [low, high], the same
      of aupr and fpr95, "log_px/<set>": mean in nats}, {"log_px": figure}).
    """
    names = {outliers.short(name): name for name in sets}
    inside = _scores(model, test_images, temperature, "test images")
    found = {"log_px/test": float(inside["log_px"].mean())}
    log_px = {}
    for short, name in names.items():
        outside = _scores(model, sets[name], temperature, short)
        log_px[short] = outside["log_px"]
        found[f"log_px/{short}"] = float(outside["log_px"].mean())
        for score, ours in inside.items():
            found |= _told_apart(f"{short}/{score}", ours, outside[score], seed)
    order = ("log_px", "auroc", "aupr", "fpr95")
    found = dict(sorted(found.items(), key=lambda item: order.index(_kind(item[0]))))
    return found, {"log_px": plots.histograms(inside["log_px"], log_px, LABEL)}


def _scores(model, images, temperature, progress):
    return ood_scores.of(
        ood_scores.read(model, images, progress=progress), temperature=temperature
    )


def _told_apart(key, inside, outside, seed):
    ends = ood.sampled_intervals(inside, outside, seed=seed)
    return {
        f"auroc/{key}": ood.auroc(inside, outside),
        f"auroc/{key}_ci": ood.auroc_interval(inside, outside),
        f"aupr/{key}": ood.aupr(inside, outside),
        f"aupr/{key}_ci": ends["aupr"],
        f"fpr95/{key}": ood.fpr95(inside, outside),
        f"fpr95/{key}_ci": ends["fpr95"],
    }


def _kind(key):
    return key.split("/")[0]
