"""The later losses and the prior correction against independent float64 NumPy; identities."""

import os
import subprocess
import sys
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from thesis_lib import decision, losses, modern_losses
from thesis_lib.modern_losses import BalancedSoftmax, ClassBalancedLoss, LDAMLoss

COUNTS = [2, 500, 30]


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum()


def class_balanced(y: np.ndarray, z: np.ndarray, beta: float, gamma: float) -> float:
    raw = np.array([(1 - beta) / (1 - beta**n) for n in COUNTS])
    weight = raw * len(COUNTS) / raw.sum()
    values = []
    for c, row in zip(y.argmax(1), z, strict=True):
        p = softmax(row)[c]
        values.append(-weight[c] * (1 - p) ** gamma * np.log(p))
    return float(np.mean(values))


def adjusted(y: np.ndarray, z: np.ndarray, tau: float) -> float:
    prior = np.array(COUNTS) / sum(COUNTS)
    rows = zip(y.argmax(1), z, strict=True)
    return float(np.mean([-np.log(softmax(row + tau * np.log(prior))[c]) for c, row in rows]))


def ldam(y: np.ndarray, z: np.ndarray, largest: float, weight: list[float] | None = None) -> float:
    constant = largest * min(COUNTS) ** 0.25
    values = []
    for c, row in zip(y.argmax(1), z, strict=True):
        moved = row.copy()
        moved[c] -= constant / COUNTS[c] ** 0.25
        values.append(-np.log(softmax(moved)[c]) * (weight or [1, 1, 1])[c])
    return float(np.mean(values))


Reference = Callable[[np.ndarray, np.ndarray], float]
CASES: list[tuple[keras.losses.Loss, Reference]] = [
    (ClassBalancedLoss(COUNTS, 0.99), lambda y, z: class_balanced(y, z, 0.99, 0)),
    (ClassBalancedLoss(COUNTS, 0.9, 2.0), lambda y, z: class_balanced(y, z, 0.9, 2)),
    (BalancedSoftmax(COUNTS), lambda y, z: adjusted(y, z, 1)),
    (modern_losses.LogitAdjustedCrossentropy(COUNTS, 1.7), lambda y, z: adjusted(y, z, 1.7)),
    (LDAMLoss(COUNTS), lambda y, z: ldam(y, z, 0.5)),
    (LDAMLoss(COUNTS, 3.0), lambda y, z: ldam(y, z, 3)),
    (LDAMLoss(COUNTS, 0.5, [2.5, 0.1, 0.4]), lambda y, z: ldam(y, z, 0.5, [2.5, 0.1, 0.4])),
]
battery = pytest.mark.parametrize(
    ("loss", "reference"), CASES, ids=lambda c: getattr(c, "name", "")
)


def batch(labels: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One-hot labels and logits."""
    return np.eye(3)[labels], np.random.default_rng(seed).normal(0, 2, (len(labels), 3))


def value(loss: keras.losses.Loss, y: np.ndarray, z: np.ndarray) -> float:
    return float(loss(y.astype(np.float32), tf.nn.softmax(z.astype(np.float32))))


def gradient(loss: keras.losses.Loss, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """With respect to the logits, through the softmax, as training has it."""
    logits = tf.Variable(z.astype(np.float32))
    with tf.GradientTape() as tape:
        result = loss(y.astype(np.float32), tf.nn.softmax(logits))
    return np.asarray(tape.gradient(result, logits))


@battery
@pytest.mark.parametrize("labels", [[0, 1, 2, 1, 1], [1, 1], [2], [0, 2]])
def test_value(loss: keras.losses.Loss, reference: Reference, labels: list[int]) -> None:
    y, z = batch(labels)
    assert value(loss, y, z) == pytest.approx(reference(y, z), rel=1e-5)


@battery
def test_gradient(loss: keras.losses.Loss, reference: Reference) -> None:
    y, z = batch([0, 1, 2, 1])
    numeric = np.zeros_like(z)
    for index in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[index] = 1e-6
        numeric[index] = (reference(y, z + step) - reference(y, z - step)) / 2e-6
    np.testing.assert_allclose(gradient(loss, y, z), numeric, rtol=1e-3, atol=1e-5)


@battery
@pytest.mark.parametrize("gap", [10.0, 30.0, 60.0])
def test_badly_wrong_images_still_teach(
    loss: keras.losses.Loss, reference: Reference, gap: float
) -> None:
    """The true class 0 gets next to nothing: its gradient is minus its weight, not zero."""
    y, z = np.eye(3)[[0]], np.array([[-gap / 2, gap / 2, 0.0]])
    weight = getattr(loss, "class_weight", None)
    expected = -1.0 if weight is None else -float(weight[0])
    assert gradient(loss, y, z)[0, 0] == pytest.approx(expected, rel=0.02)


@battery
def test_certain_outputs_give_finite_gradients(
    loss: keras.losses.Loss, reference: Reference
) -> None:
    y = np.eye(3, dtype=np.float32)[[0, 1]]
    for p in (np.eye(3)[[0, 1]], np.eye(3)[[1, 2]]):
        outputs = tf.Variable(p.astype(np.float32))
        with tf.GradientTape() as tape:
            result = loss(y, outputs)
        assert np.isfinite(float(result))
        assert np.isfinite(np.asarray(tape.gradient(result, outputs))).all()


@battery
def test_saved_and_loaded(loss: keras.losses.Loss, reference: Reference) -> None:
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    y, z = batch([0, 1, 1])
    assert type(again) is type(loss)
    assert value(again, y, z) == value(loss, y, z)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=8), st.integers(0, 1000))
def test_identities_with_cross_entropy(labels: list[int], seed: int) -> None:
    y, z = batch(labels, seed)
    cross_entropy = pytest.approx(value(losses.CategoricalCrossentropy(), y, z), rel=1e-5, abs=1e-6)
    assert value(BalancedSoftmax([70, 70, 70]), y, z) == cross_entropy
    assert value(modern_losses.LogitAdjustedCrossentropy(COUNTS, 0), y, z) == cross_entropy
    assert value(LDAMLoss(COUNTS, 0), y, z) == cross_entropy
    assert value(ClassBalancedLoss(COUNTS, 0), y, z) == cross_entropy


def test_effective_numbers_between_no_weights_and_inverse_frequency() -> None:
    weights = modern_losses.effective_number_weights
    np.testing.assert_array_equal(weights(COUNTS, 0), [1, 1, 1])
    inverse = 1 / np.array(COUNTS)
    near_one = weights(COUNTS, 1 - 1e-12)
    np.testing.assert_allclose(near_one, 3 * inverse / inverse.sum(), rtol=1e-6)
    assert weights(COUNTS, 0.999).sum() == pytest.approx(3)


@pytest.mark.parametrize("counts", [[1, 1_000_000], [7, 3]])
def test_margins_fall_with_the_fourth_root(counts: list[int]) -> None:
    """At equal logits over two classes the loss is log(1 + exp(margin))."""
    loss, half = LDAMLoss(counts, 0.8), np.full((1, 2), 0.5)
    margins = [np.log(np.expm1(float(loss(np.eye(2)[[c]], half)))) for c in (0, 1)]
    assert max(margins) == pytest.approx(0.8, rel=1e-4)
    assert margins[0] / margins[1] == pytest.approx((counts[1] / counts[0]) ** 0.25, rel=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClassBalancedLoss(COUNTS, 1.0), r"beta has to lie in \[0, 1\); got 1.0"),
        (lambda: BalancedSoftmax([3, 0]), "class_counts has to hold a number a class, larger"),
        (lambda: BalancedSoftmax(None), "class_counts has to give the size of each class"),
        (lambda: LDAMLoss(COUNTS, -1), "max_margin has to be a number from 0; got -1"),
        (
            lambda: modern_losses.LogitAdjustedCrossentropy(COUNTS, float("nan")),
            "tau has to be a number from 0",
        ),
        (lambda: BalancedSoftmax([1, 2])(*batch([0])), "class_counts has 2 entries"),
    ],
)
def test_bad_arguments(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_jax_computes_the_same() -> None:
    code = """
import numpy as np, keras
from thesis_lib import modern_losses as m
assert keras.backend.backend() == "jax"
y, p = np.eye(3)[[0, 1, 1]], np.random.default_rng(0).dirichlet(np.ones(3), 3)
made = [m.ClassBalancedLoss([2, 50, 9]), m.BalancedSoftmax([2, 50, 9]), m.LDAMLoss([2, 50, 9])]
print(" ".join(f"{float(l(y, p)):.6f}" for l in made))
"""
    printed = [
        subprocess.run(
            [sys.executable, "-c", code.replace("jax", backend)],
            env={**os.environ, "KERAS_BACKEND": backend},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for backend in ("jax", "tensorflow")
    ]
    np.testing.assert_allclose(*(np.array(p, float) for p in printed), rtol=1e-5)


def test_prior_correction_is_bayes_rule() -> None:
    """Two Gaussians: the corrected posterior of one prior is the posterior of the other."""
    x = np.linspace(-3, 3, 41)
    density = np.exp(-((x[:, None] - np.array([0.0, 1.5])) ** 2) / 2)

    def posterior(prior: list[float]) -> np.ndarray:
        joint = density * prior
        return joint / joint.sum(1, keepdims=True)

    moved = decision.correct_prior(posterior([0.98, 0.02]), [98, 2], [0.3, 0.7])
    np.testing.assert_allclose(moved, posterior([0.3, 0.7]))


def test_prior_correction_is_threshold_moving_and_logit_adjustment() -> None:
    z = np.random.default_rng(0).normal(0, 2, (20, 3))
    p = np.array([softmax(row) for row in z])
    cost = np.outer(1 / np.array(COUNTS), np.ones(3)) * (1 - np.eye(3))
    corrected = decision.correct_prior(p, COUNTS)
    np.testing.assert_allclose(corrected, decision.move_thresholds(p, cost))
    half = [softmax(row - 0.5 * np.log(COUNTS)) for row in z]
    np.testing.assert_allclose(decision.correct_prior(p, COUNTS, tau=0.5), half)
    np.testing.assert_allclose(decision.correct_prior(p, COUNTS, tau=0), p)
    np.testing.assert_allclose(decision.correct_prior(p, COUNTS, COUNTS), p)


def test_prior_correction_of_extremes() -> None:
    moved = decision.correct_prior([[0.0, 1.0], [1e-300, 1.0]], [1e-12, 1.0])
    assert moved[0].tolist() == [0, 1]
    assert moved[1, 0] == pytest.approx(1e-288)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.5, 0.5]], [1, 0]), "prior has to be larger than 0 for each class"),
        (([[0.5, 0.5]], [1, 1, 1]), r"prior has shape \(3,\); .* each of the 2 classes"),
        (([[0.5, 0.5]], [1, 1], [1, -1]), "target has to be larger than 0"),
        (([[0.5, 0.7]], [1, 1]), "sum to 1"),
    ],
)
def test_prior_correction_of_bad_input(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decision.correct_prior(*arguments)
    with pytest.raises(ValueError, match="tau has to be a number from 0"):
        decision.correct_prior([[0.5, 0.5]], [1, 1], tau=-1)


def test_soft_crossentropy_takes_shares_of_classes() -> None:
    rng = np.random.default_rng(0)
    y, z = rng.dirichlet(np.ones(3), 6), rng.normal(0, 2, (6, 3))
    expected = np.mean([-(a * np.log(softmax(b))).sum() for a, b in zip(y, z, strict=True)])
    loss = modern_losses.SoftCrossentropy()
    assert value(loss, y, z) == pytest.approx(expected, rel=1e-5)
    one_hot = np.eye(3)[[0, 2, 1, 1, 0, 2]]
    assert value(loss, one_hot, z) == pytest.approx(
        value(losses.CategoricalCrossentropy(), one_hot, z), rel=1e-6
    )
