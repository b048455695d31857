"""What does the model draw?"""

GRID, CANDIDATES = 100, 4


def pictures(model, n=GRID, *, seed=0):
    """The images that the figure of a run and its TensorBoard show.

    One of CANDIDATES chains becomes an image, by exp(-E), see `JEM.sample`.

    Args:
      model: a JEM with a replay buffer.
      n: how many.
      seed: int.

    Returns:
      float32 [n, H, W, C], about in [-1, 1].
    """
    return model.sample(n, candidates=CANDIDATES, seed=seed)
