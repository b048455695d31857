"""Do the numbers of an attack hang together? What a broken attack would show.

After Carlini et al., "On Evaluating Adversarial Robustness" (2019): each check gives
{"ok": bool, "measured": {...}} for the protocol.
"""

import numpy as np


def never_raises(raw, radii):
    """A larger radius never raises accuracy, before anything is carried over.

    Args:
      raw: {k: {kind: {norm: right [E, N]}}}, see `robustness`.
      radii: {norm: eps [E]}, ascending.
    """
    measured = {
        f"{norm}/jem{k}/{kind}": right.mean(axis=1).tolist()
        for k, kinds in raw.items()
        for kind, norms in kinds.items()
        for norm, right in norms.items()
    }
    falls = all(np.all(np.diff(found) <= 1e-9) for found in measured.values())
    return {"ok": falls, "measured": {"eps": radii} | measured}


def zero_is_clean(raw, clean):
    """An attack of radius 0 leaves the clean accuracy {k: accuracy}."""
    measured = {
        f"jem{k}": {"clean": clean[k]}
        | {f"{norm}/{kind}": float(at[0].mean()) for kind, norm, at in _all(kinds)}
        for k, kinds in raw.items()
    }
    same = all(np.ptp(list(found.values())) <= 1e-9 for found in measured.values())
    return {"ok": same, "measured": measured}


def unbounded_wins(raw):
    """An L-inf attack free to make any image (the last radius) leaves nothing right."""
    measured = {
        f"jem{k}/{kind}": float(norms["linf"][-1].mean())
        for k, kinds in raw.items()
        for kind, norms in kinds.items()
    }
    return {"ok": not any(measured.values()), "measured": measured}


def _all(kinds):
    for kind, norms in kinds.items():
        for norm, right in norms.items():
            yield kind, norm, right
