"""Anomaly scores against SciPy, hand numbers and invariants."""

import numpy as np
import pytest
from scipy import stats

from thesis_lib import anomaly


def test_confidence_is_the_largest_output() -> None:
    outputs = [[0.2, 0.5, 0.3], [0.9, 0.1, 0.0]]
    np.testing.assert_array_equal(anomaly.confidence(outputs), [0.5, 0.9])
    # The thesis's rule: normal if larger than the threshold, anomalous if equal.
    assert anomaly.is_anomaly([0.5, 0.51], 0.5).tolist() == [True, False]


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
    with pytest.raises(ValueError, match=r"threshold has to lie in \[0, 1\]; got 1.5"):
        anomaly.is_anomaly([0.5], 1.5)
    with pytest.raises(ValueError, match="lie in"):
        anomaly.confidence([[3.0, -2.0]])
    with pytest.raises(ValueError, match="at least one score"):
        anomaly.detection([], [1])
