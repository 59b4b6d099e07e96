"""One battery for every loss, against independent float64 NumPy; identities; bad input."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from thesis_lib import losses, modern_losses

COUNTS = [2, 50, 10]
WEIGHT = [5.0, 1.0, 2.0]


def errors(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.array(
        [sum((a - b) ** 2 for a, b in zip(u, v, strict=True)) for u, v in zip(y, p, strict=True)]
    )


def false_errors(y: np.ndarray, p: np.ndarray) -> list[float]:
    labels = y.argmax(1)
    return [errors(y, p)[labels == c].mean() for c in np.unique(labels)]


def mean_weight(y: np.ndarray, power: int) -> float:
    return float(np.mean([sum(COUNTS) / COUNTS[c] ** power for c in y.argmax(1)]))


def focal(y: np.ndarray, p: np.ndarray, gamma: float, weight: Sequence[float]) -> float:
    true = [(row[c], weight[c]) for row, c in zip(p, y.argmax(1), strict=True)]
    return float(np.mean([-w * (1 - q) ** gamma * np.log(q) for q, w in true]))


def effective_numbers(beta: float) -> list[float]:
    raw = np.array([(1 - beta) / (1 - beta**n) for n in COUNTS])
    return list(raw * len(COUNTS) / raw.sum())


def adjusted(y: np.ndarray, p: np.ndarray, tau: float) -> float:
    """Cross-entropy after p has been multiplied by prior ** tau and made to sum to 1 again."""
    moved = p * (np.array(COUNTS) / sum(COUNTS)) ** tau
    return focal(y, moved / moved.sum(1, keepdims=True), 0, [1, 1, 1])


def ldam(
    y: np.ndarray, p: np.ndarray, largest: float, weight: Sequence[float] = (1, 1, 1)
) -> float:
    margins = largest * (min(COUNTS) / np.array(COUNTS)) ** 0.25
    moved = p * np.exp(-y * margins)
    return focal(y, moved / moved.sum(1, keepdims=True), 0, weight)


Reference = Callable[[np.ndarray, np.ndarray], float]
CASES: list[tuple[keras.losses.Loss, Reference]] = [
    (losses.MeanAbsoluteError(), lambda y, p: float(np.sqrt(errors(y, p)).mean())),
    (losses.MeanSquaredError(), lambda y, p: float(errors(y, p).mean())),
    (losses.CategoricalCrossentropy(), lambda y, p: focal(y, p, 0, [1, 1, 1])),
    (
        losses.WeightedMeanSquaredError(WEIGHT),
        lambda y, p: float(
            np.mean([WEIGHT[c] * e / 3 for c, e in zip(y.argmax(1), errors(y, p), strict=True)])
        ),
    ),
    (losses.MeanFalseError(), lambda y, p: sum(false_errors(y, p))),
    (losses.MeanSquaredFalseError(), lambda y, p: sum(e**2 for e in false_errors(y, p))),
    (
        losses.MeanFalseErrorAsPublished(COUNTS),
        lambda y, p: float(errors(y, p).mean() / 3 * mean_weight(y, 1)),
    ),
    (
        losses.MeanSquaredFalseErrorAsPublished(COUNTS),
        lambda y, p: float((errors(y, p).mean() / 3) ** 2 * mean_weight(y, 2)),
    ),
    (losses.FocalLoss(2.0), lambda y, p: focal(y, p, 2, [1, 1, 1])),
    (losses.FocalLoss(0.5, WEIGHT), lambda y, p: focal(y, p, 0.5, WEIGHT)),
    (losses.FocalLossAsPublished(2.0, WEIGHT), lambda y, p: focal(y, p, 2, WEIGHT)),
    (
        modern_losses.ClassBalancedLoss(COUNTS, 0.99),
        lambda y, p: focal(y, p, 0, effective_numbers(0.99)),
    ),
    (
        modern_losses.ClassBalancedLoss(COUNTS, 0.9, 2.0),
        lambda y, p: focal(y, p, 2, effective_numbers(0.9)),
    ),
    (modern_losses.BalancedSoftmax(COUNTS), lambda y, p: adjusted(y, p, 1)),
    (modern_losses.LogitAdjustedCrossentropy(COUNTS, 1.7), lambda y, p: adjusted(y, p, 1.7)),
    (modern_losses.LDAMLoss(COUNTS), lambda y, p: ldam(y, p, 0.5)),
    (modern_losses.LDAMLoss(COUNTS, 3.0), lambda y, p: ldam(y, p, 3)),
    (
        modern_losses.LDAMLoss(COUNTS, 0.5, WEIGHT),
        lambda y, p: ldam(y, p, 0.5, WEIGHT),
    ),
]
battery = pytest.mark.parametrize(
    ("loss", "reference"), CASES, ids=lambda c: getattr(c, "name", "")
)


def batch(labels: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    p = np.random.default_rng(seed).dirichlet(np.ones(3), len(labels))
    return np.eye(3)[labels], p


def with_logits(loss: keras.losses.Loss) -> keras.losses.Loss:
    return type(loss).from_config({**loss.get_config(), "from_logits": True})


def tensorflow_gradient(loss: keras.losses.Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    outputs = tf.Variable(p.astype(np.float32))
    with tf.GradientTape() as tape:
        value = loss(y.astype(np.float32), outputs)
    return np.asarray(tape.gradient(value, outputs))


@battery
@pytest.mark.parametrize("labels", [[0, 1, 2, 1, 1], [1, 1], [2], [0, 2]])
def test_value(loss: keras.losses.Loss, reference: Reference, labels: list[int]) -> None:
    y, p = batch(labels)
    assert float(loss(y, p)) == pytest.approx(reference(y, p), rel=1e-5)


@battery
def test_logits(loss: keras.losses.Loss, reference: Reference) -> None:
    y, z = np.eye(3)[[0, 1, 2, 1]], np.random.default_rng(0).normal(0, 3, (4, 3))
    p = scipy.special.softmax(z, 1)
    of_logits = with_logits(loss)
    assert float(of_logits(y, z)) == pytest.approx(reference(y, p), rel=1e-5)
    variable = tf.Variable(z.astype(np.float32))
    with tf.GradientTape() as tape:
        value = loss(y.astype(np.float32), tf.nn.softmax(variable))
    through_softmax = np.asarray(tape.gradient(value, variable))
    found = tensorflow_gradient(of_logits, y, z)
    np.testing.assert_allclose(found, through_softmax, rtol=1e-4, atol=1e-6)
    again = keras.losses.deserialize(keras.losses.serialize(of_logits))
    assert float(again(y, z)) == float(of_logits(y, z))


@battery
def test_logits_without_bound_give_finite_gradients(
    loss: keras.losses.Loss, reference: Reference
) -> None:
    z = np.array([[500.0, -500.0, 0.0], [-500.0, 500.0, 0.0]])
    for labels in ([0, 1], [1, 0], [2, 2]):
        y = np.eye(3)[labels]
        assert np.isfinite(float(with_logits(loss)(y, z)))
        assert np.isfinite(tensorflow_gradient(with_logits(loss), y, z)).all()


@battery
def test_outputs_that_are_no_probabilities(loss: keras.losses.Loss, reference: Reference) -> None:
    """Refused where their values can be seen, and computed in a graph, where they cannot."""
    y, logits = np.eye(3)[[0, 1]], np.array([[0.2, 0.3, 0.5], [2.0, -1.5, 0.5]])
    message = (
        r"one sums to 1 with -1.5 as its smallest entry. .*softmax.*\(\.\.\., from_logits=True"
    )
    for seen in (logits, tf.constant(logits), tf.Variable(logits)):
        with pytest.raises(ValueError, match=message):
            loss(y, seen)
    with pytest.raises(ValueError, match="one sums to 6 with 1 as its smallest"):
        loss(y, np.array([[1.0, 2.0, 3.0]] * 2))
    tf.function(loss)(y, tf.constant(logits))
    assert np.isnan(float(loss(y, np.full((2, 3), np.nan))))  # as a network that diverged
    half = tf.nn.softmax(tf.constant(logits, tf.bfloat16))
    loss(y, half)


@battery
def test_gradient(loss: keras.losses.Loss, reference: Reference) -> None:
    y, p = batch([0, 1, 2, 1])
    numeric = np.zeros_like(p)
    for index in np.ndindex(p.shape):
        step = np.zeros_like(p)
        step[index] = 1e-6
        numeric[index] = (reference(y, p + step) - reference(y, p - step)) / 2e-6
    np.testing.assert_allclose(tensorflow_gradient(loss, y, p), numeric, rtol=2e-3, atol=1e-4)


@battery
def test_certain_outputs_give_finite_gradients(
    loss: keras.losses.Loss, reference: Reference
) -> None:
    y = np.eye(3)[[0, 1]]
    for p in (np.eye(3)[[0, 1]], np.eye(3)[[1, 2]]):
        assert np.isfinite(float(loss(y, p)))
        assert np.isfinite(tensorflow_gradient(loss, y, p)).all()


@battery
def test_saved_and_loaded(loss: keras.losses.Loss, reference: Reference) -> None:
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    y, p = batch([0, 1, 1])
    assert type(again) is type(loss)
    assert float(again(y, p)) == float(loss(y, p))


@battery
def test_shapes_have_to_fit(loss: keras.losses.Loss, reference: Reference) -> None:
    y, p = batch([0, 1, 2])
    with pytest.raises(ValueError, match="y_true has 3 rows, y_pred has 2"):
        loss(y, p[:2])
    with pytest.raises(ValueError, match="one-hot"):
        loss(np.array([0, 1, 2]), p)


@pytest.mark.parametrize("gap", [10.0, 30.0, 60.0])
def test_badly_wrong_images_still_teach(gap: float) -> None:
    """Keras's clip at 1e-7 has no gradient here; ours has that of the formula, -1 and 1."""
    logits = tf.Variable([[-gap / 2, gap / 2]])
    gradients = []
    for loss in (losses.FocalLoss(2.0), losses.FocalLossAsPublished(2.0)):
        with tf.GradientTape() as tape:
            value = loss(tf.constant([[1.0, 0.0]]), tf.nn.softmax(logits))
        gradients.append(np.asarray(tape.gradient(value, logits))[0])
    np.testing.assert_allclose(gradients[0], [-1, 1], rtol=0.01)
    if gap > 20:
        np.testing.assert_array_equal(gradients[1], [0, 0])


def test_sample_weights() -> None:
    y, p = batch([0, 1])
    loss = losses.MeanSquaredError()
    each = [float(loss(y[i : i + 1], p[i : i + 1])) for i in (0, 1)]
    assert float(loss(y, p, np.array([1.0, 0.0]))) == pytest.approx(each[0] / 2, rel=1e-5)
    with pytest.raises(ValueError, match="MeanFalseError is a quantity of the whole batch"):
        losses.MeanFalseError()(y, p, np.ones(2))


# The listing of A.6 weights an image, not its terms, and is left as it is.
OF_EACH_IMAGE = [
    (loss, reference)
    for loss, reference in CASES
    if isinstance(
        loss,
        losses.FocalLoss | modern_losses.LogitAdjustedCrossentropy | modern_losses.LDAMLoss,
    )
    and not isinstance(loss, losses.FocalLossAsPublished)
]


@pytest.mark.parametrize(("loss", "reference"), OF_EACH_IMAGE, ids=lambda c: getattr(c, "name", ""))
def test_labels_that_are_shares_of_classes(loss: keras.losses.Loss, reference: Reference) -> None:
    """The value for shares is that of each class, times its share."""
    _, p = batch([0, 1, 2, 1])
    shares = np.random.default_rng(1).dirichlet(np.ones(3), 4)
    expected = np.mean(
        [
            sum(row[c] * reference(np.eye(3)[[c]], p[[i]]) for c in range(3))
            for i, row in enumerate(shares)
        ]
    )
    assert float(loss(shares, p)) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_is_that_of_keras() -> None:
    y, p = batch([0, 1, 2, 1])
    for labels in (y, 0.9 * y + 0.1 / 3, 0.3 * y + 0.7 * y[::-1]):
        for from_logits, outputs in ((False, p), (True, np.log(p) + 4)):
            ours = losses.CategoricalCrossentropy(from_logits=from_logits)
            keras_s = keras.losses.CategoricalCrossentropy(from_logits=from_logits)
            expected = pytest.approx(float(keras_s(labels, outputs)), rel=1e-5)
            assert float(ours(labels, outputs)) == expected


@pytest.mark.parametrize("loss", [losses.FocalLoss(2.0), modern_losses.BalancedSoftmax([1, 1])])
def test_logits_beyond_all_probabilities_still_teach(loss: keras.losses.Loss) -> None:
    """At a distance of 200 float32 has no probability for the true class, but a slope."""
    gradient = tensorflow_gradient(with_logits(loss), np.eye(2)[[0]], np.array([[-100.0, 100.0]]))
    np.testing.assert_allclose(gradient, [[-1, 1]], rtol=1e-5)


def test_a_network_without_softmax_learns() -> None:
    """In Keras's compiled training, where nothing of the outputs can be looked at."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    x, y = rng.normal(0, 0.1, (90, 3)) + np.eye(3)[labels], np.eye(3)[labels]
    network = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(3)])
    loss = modern_losses.BalancedSoftmax([90, 20, 10], from_logits=True)
    network.compile(keras.optimizers.Adam(0.1), loss)
    network.fit(x, y, epochs=20, verbose=0)
    outputs = network.predict(x, verbose=0)
    assert (outputs.argmax(1) == labels).mean() > 0.9
    expected = -scipy.special.log_softmax(outputs + np.log([90, 20, 10]), 1)[y == 1].mean()
    assert network.evaluate(x, y, batch_size=30, verbose=0) == pytest.approx(expected, rel=1e-4)


def test_a_false_error_over_batches_is_not_that_of_all() -> None:
    """What the docstrings say of val_loss, and that one batch mends it."""
    y, p = batch([0, 0, 0, 1, 2, 2])
    network = keras.Sequential([keras.layers.Input((3,)), keras.layers.Activation("linear")])
    for loss in (losses.MeanFalseError(), losses.MeanSquaredFalseError()):
        network.compile("sgd", loss)
        whole = pytest.approx(float(loss(y, p)), rel=1e-5)
        assert network.evaluate(p, y, batch_size=len(y), verbose=0) == whole
        assert network.evaluate(p, y, batch_size=2, verbose=0) != whole
        with pytest.raises(ValueError, match=r"sample_weight, and no fit\(class_weight=\.\.\.\)"):
            network.fit(p, y, class_weight={0: 1, 1: 2, 2: 3}, verbose=0)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=8), st.integers(0, 1000))
def test_identities(labels: list[int], seed: int) -> None:
    y, p = batch(labels, seed)
    cross_entropy = float(losses.CategoricalCrossentropy()(y, p))
    assert float(losses.FocalLoss(0)(y, p)) == pytest.approx(cross_entropy)
    assert float(losses.FocalLoss(1)(y, p)) <= cross_entropy
    equal = np.eye(3)[[0, 1, 2] * 2]
    outputs = np.random.default_rng(seed).dirichlet(np.ones(3), 6)
    three_times = 3 * float(losses.MeanSquaredError()(equal, outputs))
    assert float(losses.MeanFalseError()(equal, outputs)) == pytest.approx(three_times, rel=1e-4)
    if len(set(labels)) == 2:
        fpe, fne = false_errors(y, p)
        half = ((fpe + fne) ** 2 + (fpe - fne) ** 2) / 2
        assert float(losses.MeanSquaredFalseError()(y, p)) == pytest.approx(half, rel=1e-4)


def test_published_mfe_cannot_tell_who_was_wrong() -> None:
    y = np.eye(2)[[0, 1, 1, 1]]
    good, bad = [0.9, 0.1], [0.1, 0.9]
    minority_wrong = np.array([bad, bad, bad, bad])
    majority_wrong = np.array([good, bad, bad, good])  # one error of the same size
    published, defined = losses.MeanFalseErrorAsPublished([2, 50]), losses.MeanFalseError()
    assert float(published(y, minority_wrong)) == pytest.approx(float(published(y, majority_wrong)))
    assert float(defined(y, minority_wrong)) > 2 * float(defined(y, majority_wrong))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.FocalLoss(-1), "gamma has to be a number from 0; got -1"),
        (lambda: losses.FocalLoss(float("nan")), "gamma has to be"),
        (lambda: losses.FocalLoss(2, [1, -1]), "class_weight has to hold a number a class"),
        (
            lambda: losses.MeanFalseErrorAsPublished([2, 0]),
            "class_counts has to hold .* larger than 0",
        ),
        (lambda: losses.FocalLoss(2, [1, 2])(*batch([0, 1])), "class_weight has 2 entries"),
        (
            lambda: losses.MeanFalseErrorAsPublished([1, 2])(*batch([0])),
            "class_counts has 2 entries",
        ),
    ],
)
def test_bad_arguments(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_jax_computes_the_same() -> None:
    """Losses travel to the other backend as their configurations."""
    code = """
import json, sys
import keras, numpy as np
from thesis_lib import losses, modern_losses
assert keras.backend.backend() == "jax"
y, p = np.eye(3)[[0, 1, 1]], np.random.default_rng(0).dirichlet(np.ones(3), 3)
made = [keras.losses.deserialize(config) for config in json.load(sys.stdin)]
logits = [type(loss).from_config({**loss.get_config(), "from_logits": True}) for loss in made]
import jax
jax.jit(made[0])(y, -p)  # a value that cannot be seen
try:
    made[0](y, jax.numpy.asarray(-p))
except ValueError as error:
    assert "from_logits=True" in str(error)
else:
    raise AssertionError("negative probabilities were taken")
found = [[float(loss(y, p)) for loss in made], [float(loss(y, np.log(p) + 3)) for loss in logits]]
print(json.dumps(found))
"""
    configs = [keras.losses.serialize(loss) for loss, _ in CASES]
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        input=json.dumps(configs),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    y, p = batch([0, 1, 1])
    expected = [reference(y, p) for _, reference in CASES]
    for found in json.loads(printed):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


WAYS_TO_KERAS = (
    "import thesis_lib.losses",
    "import thesis_lib.modern_losses",
    "import thesis_lib.engine.fast_layers",
    "from thesis_lib import model; model.build_cnn()",
    "from thesis_lib.book import classifier; classifier.load()",
    "from thesis_lib.engine import fitting; fitting.set_up(1)",
)
# Stands for Keras and TensorFlow: it writes where their C++ does, unless that is told not to.
NOISY = """
import os, sys
os.write(2, b"a note that comes while Keras is imported")
if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "3":
    sys.exit("the notes that come later are not turned off")
sys.exit(77)
"""


def in_a_notebook(code: str, **variables: str) -> tuple[int, str]:
    """Run code in a process of its own; return how it ended and all that it printed."""
    quiet = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"} | variables
    done = subprocess.run([sys.executable, "-c", code], env=quiet, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("code", WAYS_TO_KERAS)
def test_every_way_to_the_first_import_of_keras_is_a_quiet_one(code: str, tmp_path: Path) -> None:
    for name in ("keras", "tensorflow"):
        (tmp_path / f"{name}.py").write_text(NOISY)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parent.parent)])
    assert in_a_notebook(code, PYTHONPATH=path) == (77, "")


def test_the_first_import_in_a_notebook_prints_nothing() -> None:
    """Nor does what follows: the real import is the same by every way, and takes seconds."""
    assert in_a_notebook("\n".join(WAYS_TO_KERAS)) == (0, "")
