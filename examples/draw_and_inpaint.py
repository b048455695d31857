"""Draws images of a class, and paints the missing half of an image.

    python examples/draw_and_inpaint.py

Writes drawn.png: a row of cats, a row of ships, and below them a chain that paints the
lower half of the first ship anew. It starts from the lower half of the second.
"""

import numpy as np

import jem_tf

model = jem_tf.load("cifar10")
cats, ships = (model.sample(8, label=name, seed=1) for name in ("cat", "ship"))

# The sampler moves all pixels; after every few steps the upper half is put back.
known = np.arange(32)[:, None, None] < 16
painted = np.where(known, ships[0], ships[1])
chain = [painted]
for turn in range(7):
    for step in range(5):
        moved = model.refine(painted, steps=8, seed=5 * turn + step)
        painted = np.where(known, ships[0], moved)
    chain.append(painted)
jem_tf.figures.save("drawn.png", np.concatenate([cats, ships, chain]), columns=8)
