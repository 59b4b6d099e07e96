"""Intervals and adjusted p-values, against SciPy and by hand."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from thesis_lib.intervals import (
    holm,
    of_percentage,
    paired_t,
    said_percentage,
    t_interval,
    t_prediction,
    welch,
    welch_p,
)


def test_t_interval_is_scipys() -> None:
    sample = [0.3, 0.5, 0.55, 0.7]
    low, high = stats.t.interval(0.95, 3, np.mean(sample), stats.sem(sample))
    assert t_interval(sample) == pytest.approx((np.mean(sample), low, high))
    assert t_interval([*sample, np.nan]) == pytest.approx((np.mean(sample), low, high))
    assert_allclose(t_interval([0.4]), [0.4, np.nan, np.nan])
    assert np.isnan(t_interval([np.nan])).all()


def test_percentages_are_cut_where_they_are_shown() -> None:
    assert of_percentage(-54.3, 204.3) == (0, 100)
    assert of_percentage(1.5, 99.5) == (1.5, 99.5)
    assert np.isnan(of_percentage(math.nan, math.nan)).all()
    assert said_percentage(75.02, -54.3, 204.3) == "75.02 (0.00 to 100.00)"
    assert said_percentage(19.84, 16.92, 22.76) == "19.84 ± 2.92"
    assert said_percentage(60.4, 34.8, 86.0, digits=0) == "60 ± 26"
    assert said_percentage(74.23, math.nan, math.nan) == "74.23"


def test_one_more_value_by_hand() -> None:
    # Mean 72, deviation 1.5811, t of 4 degrees of freedom from a table: 2.776.
    expected = 2.776 * 1.5811 * (1 + 1 / 5) ** 0.5
    found = t_prediction([70, 74, 72, math.nan, 71, 73])
    assert found == pytest.approx((72 - expected, 72 + expected), abs=1e-3)
    assert np.isnan(t_prediction([70])).all()


def test_paired_t_is_scipys() -> None:
    one, other = np.array([62.0, 71, 66, 90]), np.array([40.0, 55, 47, 60])
    test = stats.ttest_rel(one, other)
    bounds = test.confidence_interval()
    expected = [np.mean(one - other), bounds.low, bounds.high, test.pvalue]
    assert_allclose(paired_t(one - other, step=1.0), expected)


def test_paired_differences_are_no_surer_than_their_steps() -> None:
    """Three equal differences of 2 in steps of 1: t = 2 / (sqrt(1 / 12) / sqrt(3)) = 12."""
    mean, low, high, p = paired_t([2.0, 2.0, 2.0], step=1.0)
    half = stats.t.ppf(0.975, 2) * 2 / 12
    assert_allclose([mean, low, high], [2, 2 - half, 2 + half])
    assert p == pytest.approx(2 * stats.t.sf(12, 2))
    assert np.isnan(paired_t([2.0], step=1.0)[1:]).all()
    assert np.isnan(paired_t([2.0, np.nan], step=1.0)).all()


def test_welch_is_scipys() -> None:
    one, other = [90.1, 88.4, 93.0, 91.2], [80.0, 85.5, 79.1]
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert_allclose(welch(one, other)[1:], [interval.low, interval.high])
    assert welch([1.0, 1.0], [3.0, 3.0]) == (-2.0, -2.0, -2.0)
    assert np.isnan(welch([1.0], [3.0, 4.0])[1])
    assert np.isnan(welch([float("nan")], [3.0])[0])


def test_holm_by_hand() -> None:
    """Sorted 0.01, 0.02, 0.03, 0.4 times 4, 3, 2, 1, never falling."""
    found = holm([0.02, 0.4, 0.01, np.nan, 0.03])
    assert_allclose(found, [0.06, 0.4, 0.04, np.nan, 0.06])
    assert len(holm([])) == 0


def test_p_of_welchs_test() -> None:
    one, other = [1.0, 2, 4], [3.0, 5, 8, 9]
    expected = stats.ttest_ind(one, other, equal_var=False).pvalue
    assert welch_p([*one, float("nan")], other) == pytest.approx(expected)
    # At the level of p the interval ends at zero: at 5 % both decide alike.
    assert (expected < 0.05) == (welch(one, other)[2] < 0)
    assert np.isnan(welch_p([1.0], other))
    assert (welch_p([1.0, 1], [2.0, 2]), welch_p([1.0, 1], [1.0, 1])) == (0, 1)
