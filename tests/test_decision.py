"""Cost matrices, threshold moving and prior correction against independent computations."""

import re
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from thesis_lib import decision


def rule(outputs: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Section 6.2.4, spelled out."""
    moved = np.zeros_like(outputs)
    for i, row in enumerate(outputs):
        for c, probability in enumerate(row):
            moved[i, c] = sum(probability * cost[c, j] for j in range(len(row)))
        moved[i] /= moved[i].sum()
    return moved


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 6), st.integers(0, 1000))
def test_the_rule(n_classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.dirichlet(np.ones(n_classes), 7)
    cost = rng.uniform(0.1, 100, (n_classes, n_classes)) * (1 - np.eye(n_classes))
    moved = decision.move_thresholds(outputs, cost)
    np.testing.assert_allclose(moved, rule(outputs, cost))
    np.testing.assert_allclose(moved.sum(1), 1)


def test_equal_costs_leave_the_outputs() -> None:
    outputs = np.random.default_rng(0).dirichlet(np.ones(5), 20)
    same = decision.move_thresholds(outputs, 13 * decision.cost_matrix(5))
    np.testing.assert_allclose(same, outputs)


def expected_cost(row: np.ndarray, cost: np.ndarray, decided: int) -> float:
    return sum(float(p) * float(cost[c, decided]) for c, p in enumerate(row))


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 6), st.integers(0, 1000))
def test_no_decision_costs_less_than_the_least_cost(n_classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.dirichlet(np.ones(n_classes), 7)
    cost = rng.uniform(0, 100, (n_classes, n_classes)) * (1 - np.eye(n_classes))
    for row, decided in zip(outputs, decision.least_cost(outputs, cost), strict=True):
        every = [expected_cost(row, cost, j) for j in range(n_classes)]
        assert every[decided] == pytest.approx(min(every))
    # Where a class costs the same whatever it is taken for, moving thresholds decides so too.
    even = np.outer(cost.sum(1), np.ones(n_classes)) * (1 - np.eye(n_classes))
    moved = decision.move_thresholds(outputs, even).argmax(1)
    np.testing.assert_array_equal(decision.least_cost(outputs, even), moved)


def test_moving_thresholds_can_be_worse_than_nothing() -> None:
    """By hand: class 2 costs 0.3 + 0.1, and class 0, to which the row sum of 51 moves, 0.7."""
    row, cost = np.array([0.3, 0.1, 0.6]), decision.cost_matrix(3, {(0, 1): 50})
    moved = int(decision.move_thresholds([row], cost).argmax())
    assert (moved, decision.least_cost([row], cost).tolist(), row.argmax()) == (0, [2], 2)
    assert expected_cost(row, cost, 0) == pytest.approx(0.7)
    assert expected_cost(row, cost, 2) == pytest.approx(0.4)


def test_a_class_that_costs_nothing_to_miss() -> None:
    cost = [[0, 0, 0], [3, 0, 1], [3, 1, 0]]
    assert decision.least_cost([[0.9, 0.1, 0.0], [0.9, 0.0, 0.1]], cost).tolist() == [1, 2]
    with pytest.raises(ValueError, match="0 on the diagonal"):
        decision.least_cost([[0.5, 0.5]], [[1, 1], [1, 0]])


def test_only_row_sums_act() -> None:
    outputs = np.random.default_rng(0).dirichlet(np.ones(3), 9)
    one, other = (decision.cost_matrix(3, {m: 10}) for m in ((2, 0), (2, 1)))
    np.testing.assert_allclose(*(decision.move_thresholds(outputs, c) for c in (one, other)))


def test_the_published_matrices() -> None:
    assert decision.multiclass_cost()[1].tolist() == [1, 0, 1000, 1, 1, 1, 1, 1, 2000, 1]
    assert decision.multiclass_cost_as_published()[1].tolist() == [
        1,
        0,
        1000,
        1,
        1,
        1,
        0,
        0,
        2000,
        1,
    ]
    assert decision.binary_cost().tolist() == [[0, 100], [1, 0]]


GOOD = np.array([[0.5, 0.5]])


@pytest.mark.parametrize(
    ("outputs", "cost", "message"),
    [
        (GOOD, np.ones((3, 3)), r"shape \(3, 3\); for 2 classes it has to be \(2, 2\)"),
        (GOOD, [[0, -1], [1, 0]], "not negative"),
        (GOOD, [[1, 1], [1, 0]], "0 on the diagonal"),
        (GOOD, [[0, 0], [1, 0]], "row of zeros"),
        (GOOD * 2, [[0, 1], [1, 0]], "sum to 1"),
        (GOOD * np.nan, [[0, 1], [1, 0]], "finite"),
        (GOOD[0], [[0, 1], [1, 0]], r"shape \(n, classes\)"),
    ],
)
def test_bad_input(outputs: object, cost: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decision.move_thresholds(outputs, cost)  # type: ignore[arg-type]


def test_bad_cost_matrices() -> None:
    with pytest.raises(ValueError, match=r"mistake \(1, 1\)"):
        decision.cost_matrix(3, {(1, 1): 5})
    with pytest.raises(ValueError, match="n_classes has to be a whole number from 2; got 1"):
        decision.cost_matrix(1)
    for key in ((0.0, 1.0), (0, 3), (0, -1), (0, 1, 2), 0, "01"):
        with pytest.raises(
            ValueError, match=r"costs names the mistake .* whole numbers from 0 to 2"
        ):
            decision.cost_matrix(3, {key: 5})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match=r"costs has to name single mistakes, .* Got list\."):
        decision.cost_matrix(2, [[0, 1], [2, 0]])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"costs\[\(0, 1\)\] has to be a number from 0; got -2"):
        decision.cost_matrix(2, {(0, 1): -2})
    assert decision.cost_matrix(2, {(np.int64(0), np.int64(1)): 3}).tolist() == [[0, 3], [1, 0]]


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
    counts = np.array([2, 500, 30])
    z = np.random.default_rng(0).normal(0, 2, (20, 3))
    p = scipy.special.softmax(z, 1)
    cost = np.outer(1 / counts, np.ones(3)) * (1 - np.eye(3))
    corrected = decision.correct_prior(p, counts)
    np.testing.assert_allclose(corrected, decision.move_thresholds(p, cost))
    half = scipy.special.softmax(z - 0.5 * np.log(counts), 1)
    np.testing.assert_allclose(decision.correct_prior(p, counts, tau=0.5), half)
    np.testing.assert_allclose(decision.correct_prior(p, counts, tau=0), p)
    np.testing.assert_allclose(decision.correct_prior(p, counts, counts), p)


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


@pytest.mark.parametrize(("counts", "shape"), [([], "(0,)"), ([3], "(1,)"), ([[1, 2]], "(1, 2)")])
def test_prior_costs_of_no_classes(counts: list, shape: str) -> None:
    message = f"class_counts has shape {shape}; it has to hold one number for each of at least two"
    with pytest.raises(ValueError, match=re.escape(message)):
        decision.prior_cost(counts)


def test_prior_costs_are_the_prior_correction() -> None:
    outputs = np.random.default_rng(0).dirichlet(np.ones(3), 30)
    counts = [2, 500, 30]
    moved = decision.move_thresholds(outputs, decision.prior_cost(counts))
    np.testing.assert_allclose(moved, decision.correct_prior(outputs, counts))


def test_tau_is_the_one_of_the_best_balanced_accuracy() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [20, 180])
    score = rng.normal(labels * 1.5, 1)
    p = 0.1 * np.exp(-0.5 * score**2), 0.9 * np.exp(-0.5 * (score - 1.5) ** 2)
    outputs = np.stack(p, 1) / np.sum(p, 0)[:, None]
    tau = decision.tune_tau(outputs, labels, [0.1, 0.9])

    def balanced(tau: float) -> float:
        first = outputs[:, 0] / outputs[:, 1] > (0.1 / 0.9) ** tau
        return float((first[labels == 0].mean() + (~first[labels == 1]).mean()) / 2)

    best = max(balanced(t) for t in decision.TAUS)
    assert balanced(tau) == pytest.approx(best)
    assert best > balanced(0) + 0.1
    nearest = min((abs(t - 1), t) for t in decision.TAUS if balanced(t) > best - 1e-12)[1]
    assert tau == nearest
    sure = [[0.9999, 0.0001], [0.0001, 0.9999]]
    assert decision.tune_tau(sure, [0, 1], [0.5, 0.5]) == 1.0  # any tau will do
    with pytest.raises(ValueError, match="one class number for each of the 200 rows"):
        decision.tune_tau(outputs, labels[:-1], [0.1, 0.9])


@pytest.mark.parametrize(
    ("labels", "taus", "message"),
    [
        ([0, 3], [1.0], "y_true has labels from 0 to 3; allowed are 0 to 1"),
        ([-1, 1], [1.0], "y_true has labels from -1 to 1; allowed are 0 to 1"),
        ([0, 1], [], r"taus has to hold at least one number; got shape \(0,\)"),
        ([0, 1], 0.5, r"taus has to hold at least one number; got shape \(\)"),
        ([0, 1], [-0.5], "tau has to be a number from 0; got -0.5"),
    ],
)
def test_a_tau_of_bad_input(labels: list[int], taus: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decision.tune_tau([[0.9, 0.1], [0.2, 0.8]], labels, [1, 1], taus=taus)  # type: ignore[arg-type]


def test_the_mean_cost_of_the_confusion_matrix_is_that_of_its_images() -> None:
    """The mean over images one by one, where the classes are as frequent as in the test."""
    rng = np.random.default_rng(3)
    true, predicted = rng.integers(0, 3, 500), rng.integers(0, 3, 500)
    cost = decision.cost_matrix(3, {(0, 1): 7.5, (2, 0): 0})
    table = np.array([[(predicted[true == c] == j).sum() for j in range(3)] for c in range(3)])
    found = decision.mean_cost(table / table.sum(1, keepdims=True), cost, table.sum(1))
    assert found == pytest.approx(
        np.mean([cost[c, j] for c, j in zip(true, predicted, strict=True)])
    )


@pytest.mark.parametrize(
    ("rates", "cost", "prior", "message"),
    [
        (
            [[9, 1], [2, 8]],
            decision.cost_matrix(2),
            [1, 1],
            r"each row divided.*sum to \[10.0, 10.0\]",
        ),
        (np.ones(2) / 2, decision.cost_matrix(2), [1, 1], r"got shape \(2,\)"),
        (np.eye(2), decision.cost_matrix(3), [1, 1], r"cost has shape \(3, 3\)"),
        (np.eye(2), decision.cost_matrix(2), [1, 0], "prior has to be larger than 0"),
        (np.eye(2), decision.cost_matrix(2), [1], r"prior has shape \(1,\)"),
    ],
)
def test_a_mean_cost_takes_rates_costs_and_a_prior(
    rates: Any, cost: Any, prior: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        decision.mean_cost(rates, cost, prior)
