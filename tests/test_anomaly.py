"""Anomaly scores against SciPy, hand numbers and invariants."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from thesis_lib import anomaly


def test_confidence_is_the_largest_output() -> None:
    outputs = [[0.2, 0.5, 0.3], [0.9, 0.1, 0.0]]
    np.testing.assert_array_equal(anomaly.confidence(outputs), [0.5, 0.9])
    # The thesis's rule: normal if larger than the threshold, anomalous if equal.
    assert anomaly.is_anomaly([0.5, 0.51], 0.5).tolist() == [True, False]


def test_scores_may_be_any_numbers() -> None:
    """Distances and energies: a threshold below 0 and one far above 1."""
    assert anomaly.is_anomaly([-30.0, -20.0, -1.0], -20).tolist() == [True, True, False]
    assert anomaly.is_anomaly([5.0, 25.0], 12.5).tolist() == [True, False]


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).normal([90, 3000], [4, 250], (300, 2))


def test_log_density_is_scipy_s(points: np.ndarray) -> None:
    fitted = anomaly.GaussianDensity().fit(points)
    expected = stats.norm.logpdf(points, points.mean(0), points.std(0)).sum(1)
    np.testing.assert_allclose(fitted.log_density(points), expected)


def test_the_density_of_one_point_by_hand() -> None:
    fitted = anomaly.GaussianDensity().fit([[-1.0], [1.0]])
    assert fitted.log_density([[0.0]])[0] == pytest.approx(-0.5 * np.log(2 * np.pi))


def test_a_shift_changes_nothing(points: np.ndarray) -> None:
    one = anomaly.GaussianDensity().fit(points).log_density(points)
    other = anomaly.GaussianDensity().fit(points + 1e4).log_density(points + 1e4)
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_the_quantile_sets_the_threshold(points: np.ndarray) -> None:
    fitted = anomaly.GaussianDensity().fit(points, quantile=0.1)
    assert fitted.is_anomaly(points).sum() == 30


def test_densities_do_not_underflow() -> None:
    wide = np.random.default_rng(0).normal(0, 50, (20, 784))
    log_density = anomaly.GaussianDensity().fit(wide).log_density(wide)
    assert np.isfinite(log_density).all()
    assert (np.exp(log_density) == 0).all()


def test_detection_by_hand() -> None:
    # Of the 4 × 3 pairs, the normal score is larger in 10.
    result = anomaly.detection([0.9, 0.8, 0.7, 0.3], [0.6, 0.5, 0.1])
    assert result["AUROC"] == pytest.approx(10 / 12)
    assert result["FPR at 95 % TPR"] == pytest.approx(2 / 3)
    assert anomaly.detection([0.9, 0.8], [0.1])["AUPR"] == 1


@pytest.fixture
def tied() -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, within and between the samples."""
    rng = np.random.default_rng(2)
    return rng.integers(3, 12, 157).astype(float), rng.integers(0, 8, 83).astype(float)


def test_detection_is_scikit_learn_s(tied: tuple[np.ndarray, np.ndarray]) -> None:
    truth = np.repeat([1, 0], [157, 83])
    fpr, tpr, _ = metrics.roc_curve(truth, np.concatenate(tied), drop_intermediate=False)
    result = anomaly.detection(*tied)
    assert result["AUROC"] == pytest.approx(metrics.roc_auc_score(truth, np.concatenate(tied)))
    expected = metrics.average_precision_score(truth, np.concatenate(tied))
    assert result["AUPR"] == pytest.approx(expected)
    assert result["FPR at 95 % TPR"] == pytest.approx(fpr[tpr >= 0.95].min())
    np.testing.assert_allclose(anomaly.roc(*tied), [fpr, tpr])


def test_exactly_95_percent_are_enough() -> None:
    # The 20 normal scores are 1 to 20; the lowest may be lost, so the threshold is 2.
    assert anomaly.detection(np.arange(1, 21), [1.5, 2.0])["FPR at 95 % TPR"] == 0.5


def test_a_bootstrap_sample_measures_what_its_scores_do(
    tied: tuple[np.ndarray, np.ndarray],
) -> None:
    """With two repeats and level near 1, the interval is the two samples' range."""
    rng = np.random.default_rng(3)
    drawn = [
        anomaly.detection(tied[0][rng.integers(157, size=157)], tied[1][rng.integers(83, size=83)])
        for _ in range(2)
    ]
    result = anomaly.detection_intervals(*tied, repeats=2, level=1 - 1e-12, random_state=3)
    for name in anomaly.MEASURES:
        low, high = sorted(sample[name] for sample in drawn)
        assert result[name] == pytest.approx((anomaly.detection(*tied)[name], low, high))


def test_the_interval_is_as_wide_as_scipy_s() -> None:
    rng = np.random.default_rng(4)
    normal, strange = rng.normal(1, 1, 300), rng.normal(0, 1, 200)

    def auroc(a: np.ndarray, b: np.ndarray) -> float:
        return stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))

    theirs = stats.bootstrap(
        (normal, strange), auroc, n_resamples=2000, vectorized=False, method="percentile", rng=rng
    ).confidence_interval
    _, low, high = anomaly.detection_intervals(normal, strange, repeats=2000)["AUROC"]
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_groups_are_drawn_together() -> None:
    """Each score three times over is no more evidence than once."""
    rng = np.random.default_rng(5)
    normal, strange = rng.normal(1, 1, 5000), rng.normal(0, 1, 60)

    def width(scores: np.ndarray, **options: object) -> float:
        _, low, high = anomaly.detection_intervals(normal, scores, **options)["AUROC"]
        return high - low

    once = width(strange)
    thrice, groups = np.repeat(strange, 3), np.repeat(np.arange(60), 3)
    assert width(thrice, groups=groups) == pytest.approx(once, rel=0.15)
    assert width(thrice) == pytest.approx(once / np.sqrt(3), rel=0.15)


def test_a_difference_is_drawn_in_pairs() -> None:
    rng = np.random.default_rng(6)
    normal, strange = rng.normal(1, 1, 400), rng.normal(0, 1, 300)
    one = normal, strange
    same = anomaly.detection_differences(one, (normal**3, strange**3), repeats=50)
    assert all(value == (0, 0, 0) for value in same.values())

    noise = rng.normal(0, 0.3, 400), rng.normal(0, 0.3, 300)
    other = normal + noise[0], strange + noise[1]
    value, low, high = anomaly.detection_differences(one, other)["AUROC"]
    apart = anomaly.detection(*one)["AUROC"] - anomaly.detection(*other)["AUROC"]
    assert value == pytest.approx(apart)
    assert low < value < high
    # Drawn apart, the variances would add up.
    _, first_low, first_high = anomaly.detection_intervals(*one)["AUROC"]
    assert high - low < 0.6 * np.sqrt(2) * (first_high - first_low)


def test_a_share_in_percent() -> None:
    assert anomaly.percent((0.97449, 0.9, 1)) == "97.4 [90.0,100.0]"


def test_auroc_is_blind_to_monotone_maps() -> None:
    rng = np.random.default_rng(1)
    normal, strange = rng.normal(1, 1, 200), rng.normal(0, 1, 100)
    one, other = (
        anomaly.detection(normal, strange),
        anomaly.detection(np.exp(normal), np.exp(strange)),
    )
    assert one == pytest.approx(other)


def test_bad_input(points: np.ndarray) -> None:
    with pytest.raises(RuntimeError, match=r"Call fit\(\) before"):
        anomaly.GaussianDensity().log_density(points)
    with pytest.raises(ValueError, match=r"Features \[1\] of x are constant"):
        anomaly.GaussianDensity().fit([[0, 1], [1, 1]])
    with pytest.raises(ValueError, match="3 features, but 2"):
        anomaly.GaussianDensity().fit(points).log_density(np.ones((2, 3)))
    with pytest.raises(ValueError, match="NaN"):
        anomaly.GaussianDensity().fit([[np.nan, 1], [0, 2]])
    with pytest.raises(ValueError, match=r"quantile has to lie in \[0, 1\]; got 2"):
        anomaly.GaussianDensity().fit(points, quantile=2)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="scores hold NaN or infinite values; remove or"):
            anomaly.is_anomaly([0.9, bad], 0.5)
    with pytest.raises(ValueError, match="lie in"):
        anomaly.confidence([[3.0, -2.0]])
    with pytest.raises(ValueError, match="at least one score"):
        anomaly.detection([], [1])
    with pytest.raises(ValueError, match="hold NaN"):
        anomaly.detection([np.nan], [1])
    with pytest.raises(ValueError, match="groups has 3 entries for 2 anomalous scores"):
        anomaly.detection_intervals([1], [1, 2], groups=[0, 1, 2])
    with pytest.raises(ValueError, match=r"same inputs; got \(1, 1\) and \(1, 2\)"):
        anomaly.detection_differences(([1], [1]), ([1], [1, 2]))
    with pytest.raises(ValueError, match="repeats has to be a whole number from 2; got 1"):
        anomaly.detection_intervals([1], [1], repeats=1)
    with pytest.raises(ValueError, match=r"level has to lie in \(0, 1\); got 95"):
        anomaly.detection_intervals([1], [1], level=95)
