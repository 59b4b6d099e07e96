"""Calibration against loops, and against outputs whose calibration is known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import scipy.special
from sklearn.metrics import log_loss

from thesis_lib import calibration, decision


def sample(n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(3), n), rng.integers(0, 3, n)


def test_ece_is_the_sum_over_bins() -> None:
    p, y = sample()
    total = 0.0
    for low in np.arange(10) / 10:
        rows = (p.max(1) > low) & (p.max(1) <= low + 0.1 + 1e-12)
        if rows.any():
            right = (p[rows].argmax(1) == y[rows]).mean()
            total += rows.mean() * abs(right - p[rows].max(1).mean())
    curve = calibration.reliability(p, y, n_bins=10)
    assert calibration.expected_calibration_error(curve) == pytest.approx(total)
    assert curve["Images"].sum() == len(y)
    assert curve["Accuracy"].isna().sum() == (curve["Images"] == 0).sum() > 0


def test_labels_drawn_from_the_outputs_are_calibrated() -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(3), 40_000)
    y = (p.cumsum(1) > rng.random((len(p), 1))).argmax(1)
    assert calibration.expected_calibration_error(calibration.reliability(p, y)) < 0.01
    sharp = p**3 / (p**3).sum(1, keepdims=True)
    assert calibration.expected_calibration_error(calibration.reliability(sharp, y)) > 0.1


def test_prior_correction_calibrates_for_the_new_prior() -> None:
    """Outputs true for one prior, on images of another: each class's curve leaves the diagonal."""
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 40_000)
    x = rng.normal(2 * y, 1)  # two bells, equally frequent here, but 9 to 1 in training
    likelihood = np.exp(-0.5 * (x[:, None] - [0, 2]) ** 2)
    trained = likelihood * [0.9, 0.1]
    trained /= trained.sum(1, keepdims=True)
    errors = [
        calibration.expected_calibration_error(calibration.class_reliability(p, y, 1))
        for p in (trained, decision.correct_prior(trained, [0.9, 0.1]))
    ]
    assert errors[0] > 0.15
    assert errors[1] < 0.01


@pytest.mark.parametrize(
    "call",
    [
        calibration.reliability,
        lambda p, y: calibration.class_reliability(p, y, 0),
        calibration.negative_log_likelihood,
        calibration.temperature,
        lambda p, y: decision.tune_tau(p, y, [1, 1, 1]),
    ],
)
def test_the_advice_for_names_numbers_them_as_the_columns(call: Callable[..., object]) -> None:
    """None of these images is a chip, so that numbers of these names alone would be too small."""
    p = [[0.1, 0.2, 0.7], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]]
    y_true, classes = ["whole", "stain", "whole"], np.array(["chip", "stain", "whole"])
    with pytest.raises(TypeError, match=r"dtype <U5\. Pass .*\(classes_ of a trained") as refused:
        call(p, y_true)
    advice = str(refused.value).split("Pass ")[1].split(", where")[0]
    names = {"pandas": pd, "classes": classes}
    found = eval(advice, {**names, "y_true": y_true})
    assert found.tolist() == [2, 1, 2]
    call(p, found)
    with pytest.raises(ValueError, match="labels from -1"):  # and a slip is none of the classes
        call(p, eval(advice, {**names, "y_true": ["whole", "Stain", "whole"]}))


def test_scores_by_hand_and_scikit_learn() -> None:
    p, y = sample()
    assert calibration.negative_log_likelihood(p, y) == pytest.approx(log_loss(y, p))
    assert calibration.negative_log_likelihood([[1.0, 0.0]], [1]) == np.inf


def test_edges_belong_to_the_lower_bin() -> None:
    curve = calibration.reliability([[0.5, 0.5], [1.0, 0.0]], [0, 1], n_bins=2)
    assert curve["Images"].tolist() == [1, 1]
    curve = calibration.class_reliability([[0.0, 1.0], [1.0, 0.0]], [1, 0], 0, n_bins=4)
    assert curve["Images"].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("p", "y", "message"),
    [
        ([[0.5, 0.5]], [0, 1], r"one class number for each of the 1 rows .* got shape \(2,\)"),
        ([[0.5, 0.9]], [0], "sum to 1"),
        ([[0.5, 0.5]], [2], "labels from 2 to 2; allowed are 0 to 1"),
        ([[1.5, -0.5]], [0], "not negative"),
        ([[0.5, np.inf]], [0], "finite"),
    ],
)
def test_bad_input(p: object, y: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calibration.reliability(p, y)  # type: ignore[arg-type]


def test_the_temperature_by_hand() -> None:
    """Outputs of 0.9 that are right in 3 of 4 cases: 9 ** (1 / T) has to be 3."""
    p = [[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.9, 0.1]]
    assert calibration.temperature(p, [0, 1, 0, 1]) == pytest.approx(2, abs=1e-5)
    np.testing.assert_allclose(calibration.at_temperature(p, 2)[0], [0.75, 0.25])


def test_no_temperature_has_a_smaller_log_loss() -> None:
    """On labels drawn at a temperature of 2.5, by scikit-learn's loss of all others in a grid."""
    rng = np.random.default_rng(0)
    z = rng.normal(0, 4, (400, 3))
    y = (scipy.special.softmax(z / 2.5, 1).cumsum(1) > rng.random((400, 1))).argmax(1)
    found = calibration.temperature(scipy.special.softmax(z, 1), y)
    grid = np.arange(1, 5, 0.01)
    losses = [log_loss(y, scipy.special.softmax(z / t, 1)) for t in grid]
    assert found == pytest.approx(grid[np.argmin(losses)], abs=0.01)
    tempered = scipy.special.softmax(z / found, 1)
    assert log_loss(y, tempered) <= min(losses)
    assert found == pytest.approx(2.5, rel=0.15)
    given = calibration.at_temperature(scipy.special.softmax(z, 1), found)
    np.testing.assert_allclose(given, tempered, rtol=1e-9)
    sharp = scipy.special.softmax(3 * z, 1)
    assert calibration.temperature(sharp, y) == pytest.approx(3 * found, rel=1e-4)


def test_temperatures_of_extremes() -> None:
    for label in (0, 1):
        with pytest.raises(ValueError, match="No temperature is the best"):
            calibration.temperature([[0.9, 0.1]], [label])
    certain = [[1.0, 0.0]] * 10
    found = calibration.temperature(
        certain, [0] * 9 + [1]
    )  # the logit of 0.9 at the smallest float
    assert found == pytest.approx(-np.log(np.finfo(float).tiny) / np.log(9), rel=1e-6)
    assert calibration.at_temperature([[1.0, 0.0]], 7).tolist() == [[1, 0]]
    np.testing.assert_allclose(calibration.at_temperature([[1.0, 1e-300]], 0.01), [[1, 0]])


def test_ece_takes_a_curve_only() -> None:
    p, y = sample()
    for no_curve in (p, pd.DataFrame(p)):
        with pytest.raises(
            TypeError, match=r"Pass a curve: .* reliability\(probabilities, y_true\)"
        ):
            calibration.expected_calibration_error(no_curve)
    curve = calibration.reliability(p, y)
    with pytest.raises(TypeError, match="n_bins"):
        calibration.expected_calibration_error(curve, n_bins=7)  # type: ignore[call-arg]


def test_a_number_of_bins_of_numpy() -> None:
    one, other = (calibration.reliability(*sample(), n_bins=n) for n in (np.int64(3), 3))
    pd.testing.assert_frame_equal(one, other)


def test_bad_bins_and_labels() -> None:
    with pytest.raises(ValueError, match="n_bins has to be a whole number from 1; got 0"):
        calibration.reliability([[0.5, 0.5]], [0], n_bins=0)
    with pytest.raises(ValueError, match="label has to be a whole number from 0 to 1; got 2"):
        calibration.class_reliability([[0.5, 0.5]], [0], 2)
