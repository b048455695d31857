import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import alterations, energies, networks, replay, samplers, starts
from jem_tf.errors import InputError
from jem_tf.jem import ALTERATION, JEM

fold_in = tf.random.experimental.stateless_fold_in

SHAPE, CLASSES = (8, 8, 1), 3
TERMS = {  # name: the weights that switch it on
    "p_y_given_x": {"p_x_weight": 0.0},
    "p_x": {"p_x_weight": 1.0},
    "p_x_conditional": {"p_x_weight": 1.0, "conditional": True},
    "p_x_y": {"p_x_weight": 0.0, "p_x_y_weight": 0.7, "p_y_given_x_weight": 0.0},
    "all": {"p_x_weight": 0.5, "p_x_y_weight": 0.5, "energy_l2": 0.1},
    "logistic": {"p_x_weight": 0.5, "p_x_y_weight": 0.5, "objective": "logistic"},
    "altered": {"p_x_weight": 0.5, "altered_weight": 0.3},
}
TERMS |= {f"{name}, own images": TERMS[name] for name in ("p_x_y", "all", "altered")}
COMPARE = {  # real and drawn energies, by hand
    "difference": lambda real, drawn: tf.reduce_mean(real) - tf.reduce_mean(drawn),
    "logistic": lambda real, drawn: (
        2 * tf.reduce_mean(tf.math.log1p(tf.exp(real - drawn)))
    ),
}


def bars(n, seed=0):
    """Pictures of class y: bright on the rows 2y .. 2y + 1, noise elsewhere."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, n)
    images = rng.uniform(-1, 0, [n, *SHAPE]).astype("float32")
    for image, y in zip(images, labels, strict=True):
        image[2 * y : 2 * y + 2] += 1.0
    return images, labels


def jem(
    *, start=None, size=60, noise=0.01, reinit_prob=0.05, steps=3, devices=None, **kw
):
    """A small JEM whose buffer is dealt out by class."""
    buffer = replay.ReplayBuffer(
        size,
        start or starts.uniform(SHAPE),
        num_classes=CLASSES,
        reinit_prob=reinit_prob,
        devices=devices,
    )
    sampler = functools.partial(samplers.sgld, steps=steps, step_size=1.0, noise=noise)
    return functools.partial(JEM, buffer=buffer, sampler=sampler, **kw)


def network(seed=0):
    """Of one convolution, where it is no matter which: its graphs are soon traced."""
    keras.utils.set_random_seed(seed)
    image = keras.Input(SHAPE)
    hidden = keras.layers.Conv2D(8, 3, strides=2, activation="swish")(image)
    logits = keras.layers.Dense(CLASSES)(keras.layers.Flatten()(hidden))
    return keras.Model(image, logits)


def convnet(seed=0):
    """Of ours, whose activations are the same to the last bit in every graph."""
    return networks.build("convnet-8", SHAPE, CLASSES, seed=seed)


def fitted(seed=0, epochs=1, net=None, **kw):
    model = jem(seed=seed, **kw)(net or network(seed))
    model.compile(keras.optimizers.Adam(1e-3))
    history = model.fit(
        *bars(96), batch_size=32, epochs=epochs, verbose=0, shuffle=False
    )
    return model, history.history


def learnt(images, labels, *, size=16, **kw):
    """A model taught by `learn`, `size` images a step; the readings of each step."""
    model = jem(**kw)(convnet())
    model.compile(keras.optimizers.Adam(1e-3))
    batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(size)
    learn = tf.function(model.learn)
    return model, [
        {name: float(value) for name, value in learn(*batch).items()}
        for batch in batches
    ]


def flat(model):
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


@pytest.mark.parametrize("weight", [None, np.arange(12.0)])
def test_training_smooths_labels_and_what_is_read_does_not(weight):
    """The slow twin is Keras's loss of smoothed one-hot labels."""
    images, labels = bars(12)
    model = jem(p_x_weight=0.0, label_smoothing=0.3)(network())
    model.compile(keras.optimizers.SGD(0.1))
    evaluated = model.evaluate(images, labels, sample_weight=weight, verbose=0)
    log = model.train_on_batch(images, labels, weight, return_dict=True)
    twin = network()
    twin.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3),
    )
    loss = twin.train_on_batch(images, keras.utils.to_categorical(labels, 3), weight)
    assert log["loss"] == pytest.approx(float(loss), rel=1e-5)
    assert log["cross_entropy"] == pytest.approx(evaluated[0], rel=1e-5)
    for ours, theirs in zip(model.network.weights, twin.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_smoothing_needs_class_numbers():
    model = jem(p_x_weight=0.0, label_smoothing=0.3)(network())
    model.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    images, labels = bars(12)
    with pytest.raises(
        InputError, match=r"^label_smoothing=0\.3 is for labels that are"
    ):
        model.train_on_batch(images, keras.utils.to_categorical(labels, 3))


@pytest.mark.parametrize("term", TERMS)
def test_a_step_follows_the_gradient_of_its_terms(term):
    """The slow twin: one SGD step by hand, on chains that are drawn again."""
    kw = TERMS[term] | {"noise": 0.0, "reinit_prob": 0.0, "seed": 3}
    own, (images, labels) = term.endswith("own images"), bars(12)
    reals, of_reals = bars(8, seed=1) if own else (images, labels)
    x, y = {"labelled": images, "real": reals}, {"labelled": labels, "real": of_reals}
    ours, twin = (jem(**kw)(network()) for _ in range(2))
    ours.compile(keras.optimizers.SGD(0.1))
    ours.train_on_batch(*((x, y) if own else (images, labels)))

    twin.compile(keras.optimizers.SGD(0.1))
    drawn, _, _ = twin._negatives(x, of_reals, _chain_seed(twin))
    with tf.GradientTape() as tape:
        f, of_real = twin.network(images), twin.network(reals)
        loss = twin.p_y_given_x_weight * tf.reduce_mean(
            keras.losses.sparse_categorical_crossentropy(labels, f, from_logits=True)
        )
        real, squares = energies.marginal_energy(of_real), []
        if "drawn" in drawn:
            fake = energies.marginal_energy(twin.network(drawn["drawn"]))
            loss += twin.p_x_weight * COMPARE[twin.objective](real, fake)
            squares.append(fake)
        if "drawn_by_label" in drawn:
            g = twin.network(drawn["drawn_by_label"])
            given, dreamt = (tf.gather(z, of_reals, batch_dims=1) for z in (of_real, g))
            loss += twin.p_x_y_weight * COMPARE[twin.objective](-given, -dreamt)
            squares.append(energies.marginal_energy(g))
        if twin.altered_weight:
            altered = twin._altered(x, twin._step_seeds()[0])
            wrong = energies.marginal_energy(twin.network(altered["altered"]))
            apart = tf.math.log1p(tf.exp(real - wrong + 1.0))
            loss += twin.altered_weight * tf.reduce_mean(apart)
        if squares:
            squares = tf.concat(squares, 0)
            loss += twin.energy_l2 * (
                tf.reduce_mean(real**2) + tf.reduce_mean(squares**2)
            )
    for weight, slope in zip(
        twin.trainable_weights, tape.gradient(loss, twin.trainable_weights), strict=True
    ):
        weight.assign_sub(0.1 * slope)
    np.testing.assert_allclose(flat(ours), flat(twin), atol=2e-6)


def _chain_seed(model):
    """The seed of step 0's chains on the only replica."""
    return model._step_seeds()[1]


@pytest.mark.slow
def test_fit_learns_to_classify_and_to_draw():
    model, history = fitted(epochs=25, net=convnet())
    assert history["accuracy"][-1] > 0.95
    assert history["cross_entropy"][-1] < 0.5 * history["cross_entropy"][0]
    real = -model.energy()(bars(64, seed=1)[0])
    noise = -model.energy()(starts.uniform(SHAPE)(64, [0, 1]))
    assert np.mean(real) > np.mean(noise)


def test_fit_logs_what_the_energies_are():
    _, history = fitted(input_noise=0.03, energy_l2=0.1)
    assert set(history) == {
        "loss",
        "accuracy",
        "cross_entropy",
        "energy_real",
        "energy_drawn",
        "energy_gap",
        "gradient_norm",
        "saturation",
        "reinitialised",
    }
    gap = history["energy_drawn"][0] - history["energy_real"][0]
    assert history["energy_gap"][0] == pytest.approx(gap, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("term", ["p_y_given_x", "all"])
def test_learn_takes_the_steps_of_fit_bit_for_bit(term):
    kw = TERMS[term] | {"seed": 3, "input_noise": 0.03, "gradient_clip": 1.0}
    images, labels = bars(48)
    ours, readings = learnt(images, labels, **kw)
    theirs = jem(**kw)(convnet())
    theirs.compile(keras.optimizers.Adam(1e-3))
    history = theirs.fit(
        images, labels, batch_size=16, verbose=0, shuffle=False
    ).history
    np.testing.assert_array_equal(flat(ours), flat(theirs))
    for name in ("shard_0", "ages_0", "origins_0", "energies_0"):
        np.testing.assert_array_equal(
            getattr(ours.buffer, name), getattr(theirs.buffer, name)
        )
    means = {name: np.mean([row[name] for row in readings]) for name in readings[0]}
    assert means == pytest.approx(
        {name: values[0] for name, values in history.items()}, rel=1e-5, abs=1e-6
    )


@pytest.mark.slow
def test_several_steps_an_execution_change_nothing():
    images, labels = bars(96)
    kw = {"seed": 3, "input_noise": 0.03}
    ours, _ = learnt(images, labels, **kw)
    theirs = jem(**kw)(convnet())
    theirs.compile(keras.optimizers.Adam(1e-3), steps_per_execution=4)  # of 6 steps
    theirs.fit(images, labels, batch_size=16, verbose=0, shuffle=False)
    np.testing.assert_array_equal(flat(ours), flat(theirs))
    np.testing.assert_array_equal(ours.buffer.shard, theirs.buffer.shard)


@pytest.mark.parametrize("clip", [None, 1e-3])
def test_the_gradient_norm_is_the_length_of_an_unclipped_step(clip):
    images, labels = bars(32)
    lengths = []
    for bound in (clip, None):
        model = jem(gradient_clip=bound, energy_l2=0.1)(network())
        model.compile(keras.optimizers.SGD(1.0))
        before = flat(model)
        readings = model.learn(images, labels)
        lengths.append((np.linalg.norm(flat(model) - before), readings))
    (_, clipped), (length, _) = lengths
    assert float(clipped["gradient_norm"]) == pytest.approx(length, rel=1e-4)
    assert length > 1e-2


def test_altered_images_are_read_and_are_of_the_step_s_real_ones():
    model = jem(altered_weight=0.5)(network())
    model.compile(keras.optimizers.SGD(0.0))
    images, labels = bars(32)
    real = {"labelled": images[:8], "real": images[8:]}
    readings = model.learn(real, labels[:8])
    seed = tf.random.split(fold_in(fold_in([0, 0], 0), 0))[0]
    wrong = alterations.alter(real["real"], fold_in(seed, ALTERATION))
    expected = np.mean(model.energy()(wrong))
    assert float(readings["energy_altered"]) == pytest.approx(expected, rel=1e-4)
    history = model.fit(images, labels, verbose=0).history
    assert "energy_altered" in history


def ending(end_of):
    """A sampler whose chains end at `end_of` their start, in no steps."""

    def sampler(energy, x, *, seed):
        return end_of(x), samplers.Info(tf.zeros(tf.shape(x)[:1]))

    return sampler


def drawing(*pixels, **kw):
    """The readings of a step whose drawn images have these pixels, one an image."""
    model = jem(**kw)(network())
    model.compile(keras.optimizers.SGD(0.0))
    values = tf.reshape(tf.constant(pixels, tf.float32), [-1, 1, 1, 1])
    model.sampler = ending(lambda x: tf.zeros_like(x) + values)
    images, labels = bars(len(pixels))
    readings = model.learn(images, labels)
    return {name: float(value) for name, value in readings.items()}


@pytest.mark.parametrize(
    ("pixels", "share"),
    [
        ((0.0, 0.99, -0.99, 0.5), 0.0),
        ((0.0, 1.0, -1.0, 0.5), 0.5),
        ((7.0, 1.0, -1.0, -1.5), 1.0),
    ],
)
def test_saturation_is_the_share_of_drawn_pixels_at_the_ends_or_beyond(pixels, share):
    assert drawing(*pixels)["saturation"] == share
    assert drawing(*pixels, p_x_y_weight=1.0)["saturation"] == share


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_drawn_pixel_that_is_not_finite_is_read_at_once(value):
    assert np.isnan(drawing(0.0, value)["saturation"])


def test_a_step_keeps_the_energies_of_its_chains_before_the_update():
    """Of a network without noise in it, they are the model's energies of the images."""
    model = jem(p_x_y_weight=0.5, reinit_prob=0.0)(network())
    model.compile(keras.optimizers.SGD(0.0))
    assert np.isnan(model.buffer.energies).all()
    readings = model.learn(*bars(12))
    visited = model.buffer.ages.numpy() > 0
    np.testing.assert_array_equal(~np.isnan(model.buffer.energies), visited)
    expected = model.energy()(model.buffer.shard_0.numpy()[visited])
    kept = model.buffer.energies.numpy()[visited]
    np.testing.assert_allclose(kept, expected, rtol=1e-4)
    assert kept.min() <= float(readings["energy_drawn"]) <= kept.max()


def test_stuck_chains_are_among_the_reinitialised():
    model = jem(reinit_prob=0.0)(network())
    model.compile(keras.optimizers.SGD(0.0))
    model.buffer.restart_stuck, model.buffer.restart_age = 3.0, 5
    model.buffer.ages.assign(tf.fill([60], 5))
    model.buffer.energies.assign(np.where(np.arange(60) % 2, 50, np.arange(60) / 60))
    reading = float(model.learn(*bars(30))["reinitialised"])
    assert 0.2 < reading < 0.8
    afresh = model.buffer.ages.numpy() == 1
    assert afresh.any()
    assert (np.flatnonzero(afresh) % 2 == 1).all()


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_the_share_of_chains_that_began_anew_is_read(probability):
    model = jem(reinit_prob=probability, p_x_y_weight=1.0)(network())
    model.compile(keras.optimizers.SGD(0.0))
    seen = []
    model.sampler = ending(lambda x: seen.append(x) or tf.zeros_like(x))
    model.buffer.start = lambda n, seed, labels=None: tf.fill([n, *SHAPE], 7.0)
    reading = float(model.learn(*bars(30))["reinitialised"])
    assert [len(x) for x in seen] == [30, 30]  # for p(x) and for p(x, y)
    assert reading == pytest.approx(np.mean(np.concatenate(seen) == 7.0))
    assert (0 < reading < 1) == (0 < probability < 1)
    assert reading == pytest.approx(probability, abs=0.2)


def test_the_acceptance_is_read_of_a_sampler_that_refuses_steps():
    walk = {"steps": 4, "step_size": 30.0, "temperature": 1.0}
    mala = samplers.build("mala", **walk)
    plain, refusing = (jem(p_x_y_weight=1.0)(network()) for _ in range(2))
    infos = []

    def spied(energy, x, *, seed):
        drawn, info = mala(energy, x, seed=seed)
        infos.append(info)
        return drawn, info

    refusing.sampler = spied
    for model in (plain, refusing):
        model.compile(keras.optimizers.SGD(0.0))
    assert "acceptance" not in plain.learn(*bars(16))
    reading = float(refusing.learn(*bars(16))["acceptance"])
    assert len(infos) == 2  # for p(x) and for p(x, y)
    expected = np.mean([info.acceptance for info in infos])
    assert reading == pytest.approx(expected)
    assert 0 < reading < 1


def test_evaluate_and_predict_are_a_keras_classifiers():
    model, _ = fitted()
    images, labels = bars(50, seed=2)
    metrics = model.evaluate(images, labels, verbose=0, return_dict=True)
    logits = model.predict(images, verbose=0)
    expected = -np.mean(tf.nn.log_softmax(logits).numpy()[np.arange(50), labels])
    assert set(metrics) == {"loss", "accuracy"}
    assert metrics["loss"] == pytest.approx(expected, rel=1e-4)
    assert metrics["accuracy"] == pytest.approx(np.mean(logits.argmax(1) == labels))
    np.testing.assert_allclose(model.logits(images), logits, atol=1e-5)


def test_fit_validates_without_the_negative_phase():
    model = jem()(network())
    model.compile()
    data = bars(64)
    history = model.fit(*data, epochs=2, verbose=0, validation_data=data).history
    assert {key for key in history if key.startswith("val_")} == {
        "val_loss",
        "val_accuracy",
    }
    assert history["energy_real"][0] != 0


@pytest.mark.slow
def test_the_same_seed_is_the_same_run_bit_for_bit():
    (first, one), (again, two), (other, _) = (fitted(seed=s) for s in (5, 5, 6))
    np.testing.assert_array_equal(flat(first), flat(again))
    np.testing.assert_array_equal(first.buffer.shard_0, again.buffer.shard_0)
    assert one == two
    assert np.abs(flat(first) - flat(other)).max() > 0


def test_another_step_draws_other_seeds():
    model = jem()(network())
    model.compile()
    before = np.array(model._step_seeds())
    model.optimizer.iterations.assign_add(1)
    assert (before != np.array(model._step_seeds())).all()


def test_dreams_stay_in_the_buffer_and_samples_do_not():
    model = jem(reinit_prob=0.0)(network())
    before = model.buffer.shard_0.numpy()
    sampled = model.sample(8, seed=1)
    np.testing.assert_array_equal(model.buffer.shard_0, before)
    np.testing.assert_array_equal(sampled, model.sample(8, seed=1))
    drawn = model.draw_negatives(8, [0, 1])[0].numpy()
    after = model.buffer.shard_0.numpy()
    changed = np.flatnonzero(np.abs(after - before).max((1, 2, 3)))
    assert 0 < len(changed) <= 8
    for image in after[changed]:
        assert (np.abs(drawn - image).max((1, 2, 3)) == 0).any()


def test_of_its_candidates_a_sample_is_one_by_their_density():
    def two_values(n, seed, labels=None):
        return (
            tf.zeros([n, *SHAPE])
            + tf.cast(tf.range(n) % 2, tf.float32)[:, None, None, None]
        )

    # More chains than candidates: fewer would come again in the same pairs.
    model = jem(start=two_values, size=40_002, steps=0)(network())
    model.buffer.num_classes = None
    images = tf.stack([tf.zeros(SHAPE), tf.ones(SHAPE)])
    model.energy = lambda labels=None: lambda x: 1.5 * tf.reduce_mean(x, [1, 2, 3])
    drawn = model.sample(20_000, candidates=2, seed=1)[:, 0, 0, 0]
    odds = np.exp(-model.energy()(images).numpy())
    # Both candidates 1, or one of each and 1 picked.
    expected = 1 / 4 + 1 / 2 * odds[1] / odds.sum()
    assert np.mean(drawn) == pytest.approx(expected, abs=0.01)  # 3 standard errors


def test_samples_by_class_come_in_turn():
    def by_label(n, seed, labels=None):
        return tf.zeros([n, *SHAPE]) + tf.cast(labels, tf.float32)[:, None, None, None]

    drawn = jem(start=by_label, steps=0)(network()).sample(7)
    np.testing.assert_array_equal(drawn[:, 0, 0, 0], [0, 1, 2, 0, 1, 2, 0])


def test_samples_of_a_label_go_down_its_energy():
    model = jem(noise=0.0)(network())
    for y in range(CLASSES):
        labels = tf.fill([16], y)
        before = model.buffer.draw(16, [0, 1], labels, reinit=False)[1]
        after, _ = model.sampler(model.energy(labels), before, seed=[0, 1])
        assert np.all(model.energy(labels)(after) < model.energy(labels)(before))
        assert model.sample(16, labels=labels).shape == (16, *SHAPE)


def test_conditional_dreams_use_the_slots_of_their_class():
    def by_label(n, seed, labels=None):
        return tf.zeros([n, *SHAPE]) + tf.cast(labels, tf.float32)[:, None, None, None]

    model = jem(start=by_label, noise=0.0, steps=0, conditional=True)(network())
    model.compile()
    model.fit(*bars(96), batch_size=32, verbose=0)
    np.testing.assert_array_equal(
        model.buffer.shard_0[:, 0, 0, 0], np.repeat(range(CLASSES), 20)
    )


@pytest.mark.slow
def test_p_x_may_learn_from_images_of_its_own():
    model = jem()(network())
    model.compile()
    images, labels = bars(96)
    batches = tf.data.Dataset.from_tensors(
        ({"labelled": images[:8], "real": images[8:40]}, labels[:8])
    )
    drawn = set()
    model.sampler = ending(lambda x: drawn.add(tuple(x.shape)) or x)
    log = model.fit(batches, verbose=0).history
    assert np.isfinite(log["loss"][0])
    assert drawn == {(32, *SHAPE)}


def test_drawing_by_class_needs_a_buffer_of_the_classes():
    buffer = replay.ReplayBuffer(60, starts.uniform(SHAPE))
    for more in ({"conditional": True}, {"p_x_y_weight": 1.0}):
        with pytest.raises(InputError, match="num_classes=3, not None"):
            JEM(network(), buffer=buffer, sampler=samplers.sgld, **more)


def test_a_plain_classifier_needs_no_buffer():
    model = JEM(network(), p_x_weight=0.0)
    model.compile(keras.optimizers.Adam(1e-3))
    history = model.fit(*bars(96), epochs=15, batch_size=32, verbose=0).history
    assert history["accuracy"][-1] > 0.9
    assert "energy_drawn" not in history
    with pytest.raises(InputError, match="without a replay buffer"):
        model.sample(4)


def test_the_gradient_clip_bounds_a_steps_length():
    def length(clip):
        model = jem(gradient_clip=clip)(network())
        model.compile(keras.optimizers.SGD(1.0))
        before = flat(model)
        model.train_on_batch(*bars(32))
        return np.linalg.norm(flat(model) - before)

    assert length(1e-3) == pytest.approx(1e-3, rel=1e-2)
    assert length(1e6) == length(None) > 1e-2


def test_input_noise_has_its_standard_deviation():
    model = jem(input_noise=0.2)(network())
    images = {"labelled": tf.zeros([500, *SHAPE]), "real": tf.zeros([500, *SHAPE])}
    noisy = model._noisy(images, [0, 1])
    assert np.std(noisy["labelled"]) == pytest.approx(0.2, rel=0.02)
    correlation = np.corrcoef(np.ravel(noisy["labelled"]), np.ravel(noisy["real"]))
    assert abs(correlation[0, 1]) < 0.03


def test_mixed_float16_clips_the_gradient_and_not_its_scale():
    model = jem(gradient_clip=1e-3)(network())
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0)))
    before = flat(model)
    model.train_on_batch(*bars(32))
    assert np.linalg.norm(flat(model) - before) == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.parametrize(
    ("kw", "says"),
    [
        ({"gradient_clip": 0.0}, r"^gradient_clip=0.0 bounds a norm; give a number"),
        ({"buffer": None}, "need a buffer"),
        ({"sampler": None}, "need a buffer and a sampler"),
    ],
)
def test_a_model_that_cannot_learn_is_refused(kw, says):
    with pytest.raises(InputError, match=says):
        jem()(network(), **kw)
