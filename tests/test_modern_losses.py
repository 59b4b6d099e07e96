"""What the later losses promise: identities, margins, gradients where an output is badly wrong.

Their values and gradients are checked with those of all losses, in `test_losses`.
"""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from thesis_lib import losses, modern_losses
from thesis_lib.modern_losses import BalancedSoftmax, ClassBalancedLoss, LDAMLoss

COUNTS = [2, 500, 30]


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


@pytest.mark.parametrize("gap", [10.0, 30.0, 60.0])
@pytest.mark.parametrize(
    "loss",
    [ClassBalancedLoss(COUNTS, 0.9, 2.0), BalancedSoftmax(COUNTS), LDAMLoss(COUNTS, 3.0)],
    ids=lambda loss: loss.name,
)
def test_badly_wrong_images_still_teach(loss: keras.losses.Loss, gap: float) -> None:
    """The true class 0 gets next to nothing: its gradient is minus its weight, not zero."""
    y, z = np.eye(3)[[0]], np.array([[-gap / 2, gap / 2, 0.0]])
    weight = getattr(loss, "class_weight", None)
    expected = -1.0 if weight is None else -float(weight[0])
    assert gradient(loss, y, z)[0, 0] == pytest.approx(expected, rel=0.02)


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
        (
            lambda: BalancedSoftmax([1, 2], from_logits=True)(*batch([0])),
            "class_counts has 2 entries",
        ),
    ],
)
def test_bad_arguments(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_crossentropy_takes_shares_of_classes() -> None:
    rng = np.random.default_rng(0)
    y, z = rng.dirichlet(np.ones(3), 6), rng.normal(0, 2, (6, 3))
    expected = -(y * scipy.special.log_softmax(z, 1)).sum(1).mean()
    assert value(losses.CategoricalCrossentropy(), y, z) == pytest.approx(expected, rel=1e-5)
