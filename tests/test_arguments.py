"""Arguments that are one number: what is taken, and in which words the others are refused."""

import functools
import math
import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from thesis_lib import (
    anomaly,
    arguments,
    calibration,
    data,
    decision,
    experiments,
    losses,
    metrics,
    mixing,
    model,
    modern_losses,
    rankings,
    resampling,
    scores,
    tasks,
    tiles,
    training,
    two_stage,
)
from thesis_lib.book import published
from thesis_lib.engine import fitting, processes
from thesis_lib.own import comparison, image_sets, loading

NO_NUMBERS = ("1", None, True, np.True_, np.array([1, 2]), np.array(1), [1], 1j)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1), Fraction(1, 2)])
def test_numbers_come_back_as_floats(value: float) -> None:
    found = arguments.number("share", value, 0, 1)
    assert (found, type(found)) == (value, float)


@pytest.mark.parametrize(
    ("ends", "taken"), [("[]", {0, 1}), ("[)", {0}), ("(]", {1}), ("()", set())]
)
def test_ends_that_belong_to_the_interval(ends: str, taken: set[int]) -> None:
    for value in (0, 1):
        if value in taken:
            assert arguments.number("share", value, 0, 1, ends) == value  # type: ignore[arg-type]
        else:
            with pytest.raises(ValueError, match=re.escape(f"{ends[0]}0, 1{ends[1]}; got {value}")):
                arguments.number("share", value, 0, 1, ends)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
@pytest.mark.parametrize("bounds", [(), (0,), (-math.inf, 0), (0, 1)])
def test_nan_and_infinity_lie_in_no_interval(value: float, bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="share has to"):
        arguments.number("share", value, *bounds)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: arguments.number("q", 1.5, 0, 1), "q has to lie in [0, 1]; got 1.5."),
        (lambda: arguments.number("q", 1, 0, 1, "[)"), "q has to lie in [0, 1); got 1."),
        (lambda: arguments.number("q", -1, 0), "q has to be a number from 0; got -1."),
        (lambda: arguments.number("q", 0, 0, ends="()"), "q has to be a number above 0; got 0."),
        (lambda: arguments.number("q", math.inf), "q has to be a finite number; got inf."),
        (lambda: arguments.whole("k", 0, 1), "k has to be a whole number from 1; got 0."),
        (lambda: arguments.whole("k", 2.5, 1), "k has to be a whole number from 1; got 2.5."),
        (lambda: arguments.whole("k", 2.0, 1), "k has to be a whole number from 1; got 2.0."),
        (lambda: arguments.whole("k", math.nan, 1), "k has to be a whole number from 1; got nan."),
        (lambda: arguments.whole("k", 3, 0, 2), "k has to be a whole number from 0 to 2; got 3."),
        (lambda: arguments.one_of("m", "c", {"a": 1, "b": 2}), "m has to be one of a, b; got 'c'."),
        (lambda: arguments.one_of("m", ["a"], ("a", "b")), "m has to be one of a, b; got ['a']."),
        (lambda: arguments.one_of("m", None, ["a"]), "m has to be one of a; got None."),
    ],
)
def test_what_is_not_allowed(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_no_number(value: object) -> None:
    with pytest.raises(TypeError, match=rf"^q has to be a number from 0; got {_got(value)}\.$"):
        arguments.number("q", value, 0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=rf"^k has to be a whole number from 0; got {_got(value)}"):
        arguments.whole("k", value, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [2, np.int64(2), np.uint8(2)])
def test_whole_numbers_come_back_as_ints(value: int) -> None:
    for bounds in ((2,), (1, 2), (2, 2)):
        found = arguments.whole("k", value, *bounds)
        assert (found, type(found)) == (2, int)


def test_names_that_are_known() -> None:
    for known in (["a", "b"], {"a": 1}, iter("ab")):
        arguments.one_of("m", "a", known)


@pytest.mark.parametrize(
    "value", [np.arange(5000).reshape(50, 100), list(range(5000)), "a" * 99, 10**400], ids=type
)
def test_long_values_are_cut_to_a_line(value: object) -> None:
    error = ValueError if isinstance(value, int) else TypeError
    with pytest.raises(error, match=r"\Aq has to be a finite number; got .{60}…\.\Z"):
        arguments.number("q", value)  # type: ignore[arg-type]


X, Y = np.zeros((4, 8, 8, 1), np.float32), np.array([0, 0, 1, 1])
ONE_HOT, P, COUNTS = np.eye(2)[Y], np.full((4, 2), 0.5), [3, 9]
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 1.0]})
ENDS = ([1.0, 2.0], [0.0, 1.0])

# Seeds aside, which NumPy, scikit-learn or Keras check.
CALLS: list[tuple[str, Callable[..., object]]] = [
    ("gamma", lambda v: losses.FocalLoss(v)),
    ("gamma", lambda v: losses.FocalLossAsPublished(v)),
    ("gamma", lambda v: modern_losses.ClassBalancedLoss(COUNTS, gamma=v)),
    ("beta", lambda v: modern_losses.ClassBalancedLoss(COUNTS, v)),
    ("beta", lambda v: modern_losses.effective_number_weights(COUNTS, v)),
    ("tau", lambda v: modern_losses.LogitAdjustedCrossentropy(COUNTS, v)),
    ("max_margin", lambda v: modern_losses.LDAMLoss(COUNTS, v)),
    ("alpha", lambda v: mixing.mixup(X, ONE_HOT, RNG, alpha=v)),
    ("alpha", lambda v: mixing.remix(X, ONE_HOT, RNG, COUNTS, alpha=v)),
    ("kappa", lambda v: mixing.remix(X, ONE_HOT, RNG, COUNTS, kappa=v)),
    ("tau", lambda v: mixing.remix(X, ONE_HOT, RNG, COUNTS, tau=v)),
    ("shift", lambda v: mixing.move(X, RNG, shift=v)),
    ("degrees", lambda v: mixing.move(X, RNG, degrees=v)),
    ("n_classes", lambda v: decision.cost_matrix(v)),
    ("tau", lambda v: decision.correct_prior(P, COUNTS, tau=v)),
    ("n_bins", lambda v: calibration.reliability(P, Y, n_bins=v)),
    ("n_bins", lambda v: calibration.class_reliability(P, Y, 1, n_bins=v)),
    ("temperature", lambda v: calibration.at_temperature(P, v)),
    ("label", lambda v: calibration.class_reliability(P, Y, v)),
    ("threshold", lambda v: anomaly.is_anomaly([0.5], v)),
    ("quantile", lambda v: anomaly.GaussianDensity().fit([[1.0], [2.0]], quantile=v)),
    ("repeats", lambda v: anomaly.detection_intervals(*ENDS, repeats=v)),
    ("level", lambda v: anomaly.detection_intervals(*ENDS, level=v)),
    ("repeats", lambda v: anomaly.detection_differences(ENDS, ENDS, repeats=v)),
    ("level", lambda v: anomaly.detection_differences(ENDS, ENDS, level=v)),
    ("temperature", lambda v: scores.MaximumProbability(v)),
    ("temperature", lambda v: scores.Energy(v)),
    ("k", lambda v: scores.NearestNeighbours(v)),
    ("n_classes", lambda v: model.build_cnn(v)),
    ("dropout", lambda v: model.build_cnn(dropout=v)),
    ("n_classes", lambda v: model.build_gru(v)),
    ("dropout", lambda v: model.build_gru(dropout=v)),
    ("k_neighbors", lambda v: resampling.smote(X, Y, k_neighbors=v)),
    ("n_classes", lambda v: metrics.confusion(Y, Y, v)),
    ("n_classes", lambda v: metrics.recall_per_class(Y, Y, v)),
    ("largest", lambda v: tasks.long_tailed(v, 10, 2)),
    ("n_classes", lambda v: tasks.long_tailed(50, v, 2)),
    ("ratio", lambda v: tasks.long_tailed(50, 10, v)),
    ("counts[1]", lambda v: data.imbalance(X, Y, {0: 1, 1: v})),
    ("counts['chip']", lambda v: tiles.draw({"chip": v}, 0)),
    ("test_size", lambda v: data.stratified_split(Y, v, 0)),
    ("test_size", lambda v: loading.load("nowhere", test_size=v)),
    ("size", lambda v: loading.resized(X, v)),
    ("confidence", lambda v: rankings.variance_components(P, confidence=v)),
    ("confidence", lambda v: rankings.rank_correlation(range(4), range(4), confidence=v)),
    ("alpha", lambda v: rankings.friedman(TABLE, alpha=v)),
    ("alpha", lambda v: rankings.critical_difference(2, 2, alpha=v)),
    ("n_methods", lambda v: rankings.critical_difference(v, 2)),
    ("n_draws", lambda v: rankings.critical_difference(2, v)),
    ("epochs", lambda v: two_stage.first_epochs(v)),
    ("epochs", lambda v: comparison.checked_settings(v)),
    ("batch_size", lambda v: comparison.checked_settings(1, v)),
    ("learning_rate", lambda v: comparison.checked_settings(1, 1, v)),
    ("published", lambda v: published.compare(v, [90.0, 91.0])),
    ("seed", lambda v: fitting.set_up(v)),
]
# These have a meaning without a value.
OPTIONAL: list[tuple[str, Callable[..., object]]] = [
    ("n_classes", lambda v: data.class_counts(Y, v)),
    ("size", lambda v: loading.load("nowhere", size=v)),
    ("white", lambda v: loading.resized(X, 8, v)),
    ("white", lambda v: image_sets.checked(X, Y, X, Y, v)),
    ("white", lambda v: image_sets.alone(X, Y, v)),
    ("epochs", lambda v: training.train(experiments.get("binary/baseline"), 1, epochs=v)),
    ("workers", lambda v: processes.pool(v).__enter__()),
]


@pytest.mark.parametrize(
    ("name", "call", "value"),
    [
        *((*case, value) for case in CALLS for value in ("a", None, math.nan)),
        *((*case, value) for case in OPTIONAL for value in ("a", math.nan)),
    ],
)
def test_every_number_of_the_library(name: str, call: Callable[..., object], value: object) -> None:
    error = ValueError if isinstance(value, float) else TypeError
    with pytest.raises(error, match=rf"\A{re.escape(name)} has to .*; got {_got(value)}\.\Z"):
        call(value)


def _got(value: object) -> str:
    return re.escape(repr(value))


@pytest.mark.parametrize("labels", [[0.0, 2.0], np.array([0, 2], np.uint8), pd.Series([0, 2])])
def test_whole_labels_come_back_as_integers(labels: object) -> None:
    found = arguments.class_numbers("y", labels)  # type: ignore[arg-type]
    assert (found.tolist(), found.dtype) == ([0, 2], np.int64)


P3 = np.eye(3)[[0, 1, 1]]
LABELLED: list[Callable[..., object]] = [
    lambda y: metrics.balanced_accuracy(y, [0, 1, 1]),
    lambda y: metrics.g_mean([0, 1, 1], y),
    lambda y: decision.tune_tau(P3, y, [1, 1, 1]),
    lambda y: calibration.reliability(P3, y)["Accuracy"].tolist()[-1],
    lambda y: calibration.negative_log_likelihood(P3, y),
    lambda y: scores.Mahalanobis().fit(P3, P3, y).score(P3, P3).tolist(),
]


NUMBERING = r"(numpy\.unique\(.*return_inverse=True\)\[1\]|\.get_indexer\(y_true\))"


@pytest.mark.parametrize("call", LABELLED)
def test_labels_of_other_kinds(call: Callable[..., object]) -> None:
    assert call(np.array([0.0, 1.0, 1.0])) == call([0, 1, 1])
    for bad, message in (
        ([0.0, 1.5, 1.0], r"class numbers; got 1\.5 \(float64\)\."),
        ([0.0, np.nan, 1.0], r"class numbers; got nan \(float64\)\."),
        (["a", "b", "b"], rf"got dtype <U1\. Pass .*{NUMBERING}"),
        ([False, True, True], rf"got dtype bool\. Pass .*{NUMBERING}"),
    ):
        with pytest.raises(TypeError, match=message):
            call(bad)


def test_the_advice_for_names_numbers_both_alike() -> None:
    """One by one, the predictions without an "a" would begin at 0."""
    y_true, y_pred = ["a", "b", "c"], ["b", "b", "c"]
    with pytest.raises(TypeError, match="class numbers") as refused:
        metrics.accuracy(y_true, y_pred)
    advice = str(refused.value).split(" = ")[1].removesuffix(".")
    both = eval(advice, {"numpy": np, "y_true": y_true, "y_pred": y_pred})
    assert metrics.accuracy(*both) == pytest.approx(2 / 3)


def test_generators_of_numpy_draw() -> None:
    x, y = np.arange(40.0).reshape(20, 2), np.repeat([0, 1], [15, 5])
    for draw in (
        resampling.random_oversample,
        resampling.random_undersample,
        resampling.smote,
        functools.partial(data.imbalance, counts=[5, 5]),
    ):
        one, again, other = (
            draw(x, y, random_state=np.random.default_rng(seed)) for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(*(found_x for found_x, _ in (one, again)))
        assert any((a != b).any() for a, b in zip(one, other, strict=True))
        rng = np.random.default_rng(0)
        first, second = (draw(x, y, random_state=rng) for _ in range(2))
        assert any((a != b).any() for a, b in zip(first, second, strict=True))
    for bad, error in (("a", TypeError), (1.5, ValueError), (-1, ValueError)):
        with pytest.raises(error, match=r"\Arandom_state has to be a whole number from 0 to"):
            resampling.random_oversample(x, y, random_state=bad)  # type: ignore[arg-type]


# What takes an entry a class, by a name: each gives what depends on their order.
OF_CLASSES: list[tuple[str, Callable[..., object]]] = [
    ("class_weight", lambda v: losses.FocalLoss(2, v).class_weight),
    ("class_weight", lambda v: losses.WeightedMeanSquaredError(v).class_weight),
    ("class_weight", lambda v: modern_losses.LDAMLoss([1, 1, 1], class_weight=v).class_weight),
    ("class_counts", lambda v: losses.MeanFalseErrorAsPublished(v).class_counts),
    ("class_counts", lambda v: losses.MeanSquaredFalseErrorAsPublished(v).class_counts),
    ("class_counts", lambda v: modern_losses.ClassBalancedLoss(v).class_counts),
    ("class_counts", lambda v: modern_losses.BalancedSoftmax(v).class_counts),
    ("class_counts", lambda v: modern_losses.LogitAdjustedCrossentropy(v).class_counts),
    ("class_counts", lambda v: modern_losses.LDAMLoss(v).class_counts),
    ("class_counts", lambda v: modern_losses.effective_number_weights(v, 0.99)),
    ("class_counts", lambda v: decision.prior_cost(v)),
    ("prior", lambda v: decision.correct_prior(THREE, v)),
    ("target", lambda v: decision.correct_prior(THREE, [1, 1, 1], v)),
    ("prior", lambda v: decision.tune_tau(THREE, [0, 1, 2], v)),
    ("shares", lambda v: metrics.precision_of([[8, 1, 1], [2, 7, 1], [0, 3, 7]], v)),
    (
        "class_counts",
        lambda v: mixing.remix(
            *(np.eye(3), np.eye(3), np.random.default_rng(0), v), kappa=1, tau=1
        )[1],
    ),
]
THREE = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.3, 0.4, 0.3]])
LABELS_OF_THREE = np.repeat([0, 1, 2], [10, 90, 20])


@pytest.mark.parametrize(("name", "call"), OF_CLASSES)
def test_counts_of_pandas_go_to_their_classes(name: str, call: Callable[..., object]) -> None:
    counted = pd.Series(LABELS_OF_THREE).value_counts()
    assert counted.tolist() == [90, 20, 10]  # most frequent first, which is class 1
    np.testing.assert_array_equal(call(counted), call([10, 90, 20]))
    np.testing.assert_array_equal(call(pd.Series([10, 90, 20])), call([10, 90, 20]))


@pytest.mark.parametrize(("name", "call"), OF_CLASSES)
@pytest.mark.parametrize(
    "named",
    [
        {0: 10, 1: 90, 2: 20},
        pd.Series([90, 20, 10], index=["whole", "stain", "scratch"]),
        pd.Series([90, 20, 10], index=[1, 2, 3]),
        pd.Series([90, 20, 10], index=[1, 1, 0]),
        "balanced",
        ["many", "few", "none"],
    ],
    ids=["dict", "names", "from one", "twice", "a word", "words"],
)
def test_counts_with_other_names_are_refused(
    name: str, call: Callable[..., object], named: object
) -> None:
    with pytest.raises(ValueError, match=rf"\A{name} has to be a list, a number a class"):
        call(named)


def test_pandas_is_not_imported_to_know_its_types() -> None:
    code = "import sys; from thesis_lib import decision; print('pandas' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_images_are_drawn_by_counts_of_pandas() -> None:
    images = np.zeros((len(LABELS_OF_THREE), 2, 2))
    counts = pd.Series([40, 5, 8], index=[1, 0, 2])
    _, drawn = data.imbalance(images, LABELS_OF_THREE, counts, random_state=0)
    assert np.bincount(drawn).tolist() == [5, 40, 8]
