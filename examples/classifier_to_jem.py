"""Turns a trained Keras classifier into an energy model, and draws from it.

    python examples/classifier_to_jem.py

Trains a small classifier of digits first, in the place of yours. Writes jem.png.
"""

import functools

import keras

import jem_tf

keras.utils.set_random_seed(0)
data = jem_tf.datasets.load("digits")
(images, labels), test = data.train, data.test
layers = [keras.Input((8, 8, 1)), keras.layers.Rescaling(1 / 127.5, -1)]
for filters in (16, 32):
    layers += [
        keras.layers.Conv2D(filters, 3, padding="same", use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.Activation("swish"),
        keras.layers.AveragePooling2D(2),
    ]
classifier = keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(10)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
classifier.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
classifier.fit(images, labels, batch_size=32, epochs=8, verbose=0)

# Without the rescaling layer: a JEM takes pixels in [-1, 1], and converts uint8 itself.
network = keras.Sequential([keras.Input((8, 8, 1)), *classifier.layers[1:]])
network = jem_tf.networks.fold_batch_norm(network)
jem_tf.networks.centre_energy(network, images)
start = jem_tf.starts.build("mixed", images.shape[1:], images, labels, 10)
walk = functools.partial(jem_tf.normalised, steps=8, step_size=0.5, noise=0.002)
model = jem_tf.JEM(
    network,
    buffer=jem_tf.ReplayBuffer(1000, start),
    sampler=walk,
    p_x_weight=0.1,
    energy_l2=0.01,
)
model.compile(keras.optimizers.Adam(3e-4))
model.fit(images, labels, batch_size=64, epochs=2, verbose=0)

print(f"classifier: {classifier.evaluate(test.images, test.labels, verbose=0)[1]:.3f}")
print(f"JEM: {model.evaluate(test.images, test.labels, verbose=0)[1]:.3f}")
jem_tf.figures.save("jem.png", model.sample(32), columns=8)
