"""Measures against hand-counted values."""

import numpy as np
import pytest
from sklearn.metrics import precision_score

from thesis_lib import metrics

TRUE, PREDICTED = [0, 0, 0, 0, 1, 1, 2], [0, 0, 0, 1, 1, 2, 0]


def test_confusion_has_true_classes_as_rows() -> None:
    expected = [[3, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert metrics.confusion(TRUE, PREDICTED, 4).tolist() == expected


def test_recall_and_means_by_hand() -> None:
    recall = metrics.recall_per_class(TRUE, PREDICTED, 4)
    np.testing.assert_allclose(recall, [3 / 4, 1 / 2, 0, np.nan])
    assert metrics.accuracy(TRUE, PREDICTED) == pytest.approx(4 / 7)
    assert metrics.balanced_accuracy(TRUE, PREDICTED) == pytest.approx((3 / 4 + 1 / 2) / 3)
    assert metrics.g_mean(TRUE, PREDICTED) == 0
    assert metrics.g_mean([0, 0, 1], [0, 1, 1]) == pytest.approx(np.sqrt(1 / 2))
    # F1 of class 0: 6 / 8, of class 1: 2 / 4, of class 2: 0.
    assert metrics.macro_f1(TRUE, PREDICTED) == pytest.approx((6 / 8 + 2 / 4) / 3)


def test_a_class_that_is_only_predicted_is_none_that_was_missed() -> None:
    """By hand: recalls 1 and 1/2; F1 1 and 2 / 3."""
    true, predicted = [0, 0, 1, 1], [0, 0, 1, 2]
    assert metrics.g_mean(true, predicted) == pytest.approx(0.5**0.5)
    assert metrics.macro_f1(true, predicted) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.balanced_accuracy(true, predicted) == pytest.approx(0.75)


@pytest.mark.parametrize("seed", range(30))
def test_labels_and_their_confusion_matrix_give_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Often a class occurs among the true labels only, the predicted ones only, or nowhere.
    true, predicted = rng.integers(0, 5, (2, rng.integers(1, 12)))
    of_labels = [
        f(true, predicted) for f in (metrics.balanced_accuracy, metrics.macro_f1, metrics.g_mean)
    ]
    of_table = metrics.of_confusion(metrics.confusion(true, predicted, 5))
    assert of_labels == pytest.approx(list(of_table))
    right = true == predicted
    recalls, f1 = [], []
    for c in set(true.tolist()):
        recalls.append(right[true == c].mean())
        f1.append(2 * (right & (true == c)).sum() / ((true == c).sum() + (predicted == c).sum()))
    expected = [np.mean(recalls), np.mean(f1), np.prod(recalls) ** (1 / len(recalls))]
    assert of_labels == pytest.approx(expected)


def test_a_list_of_counts() -> None:
    """By hand: recalls 3 / 4 and 2 / 3, F1 6 / 8 and 4 / 6."""
    expected = ((3 / 4 + 2 / 3) / 2, (6 / 8 + 4 / 6) / 2, (3 / 4 * 2 / 3) ** 0.5)
    assert metrics.of_confusion([[3, 1], [1, 2]]) == pytest.approx(expected)
    np.testing.assert_allclose(metrics.recall_of([[3, 1], [0, 0]]), [3 / 4, np.nan])


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([[0.75, 0.25], [0.3, 0.7]], TypeError, "counts as integers; got dtype float64"),
        ([[1.0, 0.0], [1.0, 0.0]], TypeError, "counts as integers; got dtype float64"),
        ([[3, 1, 0], [1, 2, 0]], ValueError, r"\(n_classes, n_classes\); got shape \(2, 3\)"),
        ([3, 1], ValueError, r"got shape \(2,\)"),
        ([[3, -1], [1, 2]], ValueError, "not negative; got -1"),
        ([[0, 0], [0, 0]], ValueError, "table counts no image"),
    ],
)
def test_tables_that_count_nothing(table: list, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        metrics.of_confusion(table)


@pytest.mark.parametrize("seed", range(3))
def test_precision_at_the_shares_of_the_test_set_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true, predicted = rng.integers(0, 4, 90), rng.integers(0, 3, 90)
    table = metrics.confusion(true, predicted, 4)
    found = metrics.precision_of(table, table.sum(1))
    expected = precision_score(true, predicted, average=None, zero_division=np.nan)
    np.testing.assert_allclose(found, expected)
    assert np.isnan(found[3])


def test_precision_falls_with_the_share_of_the_class() -> None:
    table = [[90, 10], [1, 9]]
    np.testing.assert_allclose(metrics.precision_of(table, [0.99, 0.01])[1], 0.009 / 0.108)
    np.testing.assert_allclose(metrics.precision_of(table, [1, 1])[1], 0.9 / 1.0)
    for bad in ([1, -1], [1, np.inf], [1, np.nan], [1, 1, 1], [[1, 1]]):
        with pytest.raises(ValueError, match="shares has to be 2 finite numbers of 0 or more, one"):
            metrics.precision_of(table, bad)


def test_one_answer_to_all() -> None:
    assert metrics.one_answer([[0, 5], [0, 7]])
    assert not metrics.one_answer([[1, 4], [0, 7]])


def test_large_class_numbers_take_no_longer() -> None:
    """Counted up to the largest number, this table would have no place in memory."""
    large = 10**12
    assert metrics.balanced_accuracy([0, 0, large], [0, large, large]) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("true", "predicted", "error", "message"),
    [
        ([0, 1], [0], ValueError, "of one length"),
        ([], [], ValueError, "not empty"),
        ([0, 3], [0, 1], ValueError, "y_true has labels from 0 to 3; allowed are 0 to 2"),
        ([0, 1], [0, -1], ValueError, "y_pred has labels from -1"),
        ([0.5, 1], [0, 1], TypeError, "class numbers"),
    ],
)
def test_bad_input(
    true: list[float], predicted: list[float], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        metrics.confusion(np.array(true), np.array(predicted), 3)
