"""Statistics over draws against the literature's numbers, SciPy, and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from thesis_lib import rankings
from thesis_lib.intervals import holm

# Snedecor and Cochran, Statistical Methods, section 13.3: calcium in four turnip leaves, four
# determinations each.
LEAVES = [
    [3.28, 3.09, 3.03, 3.03],
    [3.52, 3.48, 3.38, 3.38],
    [2.88, 2.80, 2.81, 2.76],
    [3.34, 3.38, 3.23, 3.26],
]

# Demšar 2006, table 6: AUC of C4.5 with tuned m, cf, both, on 14 data sets. In the last
# row but one the paper prints 0.975 twice and ranks the first higher.
DEMSAR = pd.DataFrame(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ],
    columns=["C4.5", "m", "cf", "m+cf"],
)


def test_components_of_the_turnip_leaves() -> None:
    found = rankings.variance_components(LEAVES)
    assert found.seed == pytest.approx(0.0066, abs=5e-5)
    assert found.draw == pytest.approx(0.0724, abs=5e-5)
    assert found.share == pytest.approx(0.0724 / 0.0790, abs=1e-3)


def test_the_interval_of_the_share_ends_where_an_f_test_does() -> None:
    """At the lower bound of the ratio the data's F is the upper 2.5 % point of its distribution."""
    low, high = rankings.variance_components(LEAVES).share_interval
    f = stats.f_oneway(*LEAVES).statistic
    for share, tail in ((low, 0.025), (high, 0.975)):
        theta = share / (1 - share)
        assert stats.f.sf(f / (1 + 4 * theta), 3, 12) == pytest.approx(tail)


@pytest.mark.parametrize(("draw", "seed"), [(0.0, 1.0), (1.0, 1.0), (3.0, 0.5)])
def test_intervals_cover(draw: float, seed: float) -> None:
    rng = np.random.default_rng(0)
    hits = np.zeros(4)
    n = 300
    for _ in range(n):
        values = 5 + draw * rng.normal(size=(10, 1)) + seed * rng.normal(size=(10, 3))
        c = rankings.variance_components(values)
        truths = (5, draw**2, seed**2, draw**2 / (draw**2 + seed**2))
        bounds = (c.mean_interval, c.draw_interval, c.seed_interval, c.share_interval)
        hits += [low <= t <= high for t, (low, high) in zip(truths, bounds, strict=True)]
    # Three standard errors of 95 % in 300 are 3.8 points.
    assert (hits / n > 0.912).all(), hits / n


@pytest.mark.parametrize("n", [2, 3])
def test_of_the_same_seeds_what_draws_have_in_common_is_their_covariance(n: int) -> None:
    """Scores of two seeds on one draw share that draw alone, whatever a seed does to all draws."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(8, 1)) + 5 * np.arange(n) + rng.normal(size=(8, n))
    found = rankings.variance_components(values, same_seeds=True)
    between_seeds = np.cov(values.T)[np.triu_indices(n, 1)]
    assert found.draw == pytest.approx(between_seeds.mean())
    assert found.seed == pytest.approx(values.var(axis=1, ddof=1).mean())
    assert found.draw > rankings.variance_components(values).draw
    assert np.isnan(found.share_interval).all()


@pytest.mark.parametrize(("draw", "alike", "seed"), [(0, 1, 1), (1, 2, 1), (2, 0, 1)])
def test_intervals_cover_where_seeds_suit_all_draws(draw: float, alike: float, seed: float) -> None:
    rng = np.random.default_rng(1)
    hits = np.zeros(3)
    n = 1000
    for _ in range(n):
        of_seeds = 5 + alike * rng.normal(size=(1, 3))
        values = draw * rng.normal(size=(10, 1)) + of_seeds + seed * rng.normal(size=(10, 3))
        c = rankings.variance_components(values, same_seeds=True)
        truths = (of_seeds.mean(), draw**2, alike**2 + seed**2)
        bounds = (c.mean_interval, c.draw_interval, c.seed_interval)
        hits += [low <= t <= high for t, (low, high) in zip(truths, bounds, strict=True)]
    # Three standard errors of 95 % in 1,000 are 2.1 points.
    assert (hits / n > 0.929).all(), hits / n


def test_seeds_only_and_draws_only() -> None:
    """Draws that are alike, to the last seed, and seeds that change nothing."""
    alike = rankings.variance_components([[1, 2, 3], [1, 2, 3], [1, 2, 3]])
    assert alike.draw == pytest.approx(-1 / 3)
    assert alike.share == 0
    assert alike.draw_interval[0] == 0
    sure = rankings.variance_components([[1, 1], [2, 2], [4, 4]])
    assert (sure.seed, sure.share, sure.share_interval) == (0, 1, (1, 1))
    nothing = rankings.variance_components(np.full((3, 2), 5.0))
    assert np.isnan([nothing.share, *nothing.share_interval]).all()


def test_the_table_of_q() -> None:
    """Demšar 2006, table 5a; for N = 1 and k(k + 1) / 6 taken out."""
    table = {
        0.05: [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164],
        0.10: [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920],
    }
    for alpha, row in table.items():
        for k, q in enumerate(row, start=2):
            found = rankings.critical_difference(k, 10, alpha=alpha)
            assert found / (k * (k + 1) / 60) ** 0.5 == pytest.approx(q, abs=1.5e-3)


def test_the_worked_example_of_demsar() -> None:
    found = rankings.friedman(DEMSAR)
    assert found.ranks.index.tolist() == ["m+cf", "m", "cf", "C4.5"]
    np.testing.assert_allclose(found.ranks, [1.964, 2.000, 2.893, 3.143], atol=5e-4)
    assert found.chi2 == pytest.approx(9.28, abs=0.005)
    assert found.f == pytest.approx(3.69, abs=0.005)
    assert found.p_f < 0.05
    # q is 2.569 there and 2.291 for 0.10: CD = 1.25 and 1.12.
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    loose = rankings.friedman(DEMSAR, alpha=0.1)
    assert loose.critical_difference == pytest.approx(1.12, abs=0.005)
    # At 0.10 "C4.5 is significantly worse than C4.5+m and C4.5+m+cf".
    assert loose.cliques() == [["m+cf", "m", "cf"], ["cf", "C4.5"]]


def test_friedman_without_ties_is_scipys() -> None:
    scores = pd.DataFrame(np.random.default_rng(1).random((9, 5)))
    expected = stats.friedmanchisquare(*scores.to_numpy().T)
    found = rankings.friedman(scores)
    assert (found.chi2, found.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_methods_that_are_always_alike_and_always_in_one_order() -> None:
    alike = rankings.friedman(pd.DataFrame(np.ones((4, 3))))
    assert (alike.chi2, alike.p_f) == (0, 1)
    assert len(alike.cliques()) == 1
    ordered = rankings.friedman(pd.DataFrame(np.arange(3) * np.ones((30, 1))))
    assert ordered.f == np.inf
    assert ordered.p_f == 0
    assert ordered.cliques() == []


def test_paired_comparison_is_wilcoxons_with_holms_correction() -> None:
    found = rankings.paired(DEMSAR, "C4.5")
    gain = DEMSAR["m"] - DEMSAR["C4.5"]
    every = stats.PermutationMethod(n_resamples=2**14)  # all the signs that 14 draws can have
    np.testing.assert_allclose(
        found.loc["m", "p"], stats.wilcoxon(gain.round(9), method=every).pvalue
    )
    assert list(found.index) == ["m", "cf", "m+cf"]
    np.testing.assert_allclose(found["p (Holm)"], holm(found["p"]))
    row = found.loc["m"]
    low, high = stats.t.interval(0.95, 13, gain.mean(), stats.sem(gain))
    np.testing.assert_allclose(row[["Difference", "Low", "High"]], [gain.mean(), low, high])
    assert (row["Wins"], row["Losses"]) == (10, 2)


def test_twenty_wins_of_twenty_have_one_p_whether_they_tie_or_not() -> None:
    """Two of 2 ** 20 signs are as extreme; SciPy's normal approximation for ties says 9e-5."""
    for gains in (np.arange(1.0, 21), np.repeat(np.arange(1.0, 11), 2), np.full(20, 0.1)):
        assert rankings.signed_rank(gains) == pytest.approx(2 / 2**20)
    without_ties = np.array([3.0, -1, 4, 2, -5, 9, 7, 6])
    expected = stats.wilcoxon(without_ties, method="exact").pvalue
    assert rankings.signed_rank(without_ties) == pytest.approx(expected)
    assert rankings.signed_rank([1.0, -1.0]) == 1
    assert rankings.signed_rank([0.0, 1e-14, 2, 2, 2]) == pytest.approx(2 / 8)


def test_equal_methods_have_p_one() -> None:
    scores = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})
    assert rankings.paired(scores, "a").loc["b", "p"] == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rankings.variance_components([[1, 2]]), r"two of each .* got shape \(1, 2\)"),
        (lambda: rankings.variance_components([[1, np.nan], [1, 2]]), "with 1 missing"),
        (
            lambda: rankings.variance_components(LEAVES, confidence=95),
            r"confidence has to lie in \(0, 1\); got 95",
        ),
        (lambda: rankings.friedman(DEMSAR[["m"]]), "two methods .* got 14 and 1"),
        (lambda: rankings.friedman(DEMSAR.replace(0.631, 0).where(DEMSAR > 0.6)), "missing"),
        (lambda: rankings.paired(DEMSAR, "C5"), "one of C4.5, m, cf, m.cf; got 'C5'"),
        (
            lambda: rankings.critical_difference(1, 9),
            "n_methods has to be a whole number from 2; got 1",
        ),
    ],
)
def test_bad_input(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def test_a_rank_correlation_by_hand_and_its_interval_s_published_form() -> None:
    r, low, high = rankings.rank_correlation([10, 8, 5, 1], [8.5, 9, 3, 2])
    assert r == pytest.approx(1 - 6 * 2 / (4 * 15))
    # Bonett and Wright 2000: artanh r ± 1.96 sqrt((1 + r²/2) / (n - 3)).
    half = 1.959964 * np.sqrt(1 + 0.8**2 / 2)
    assert (low, high) == pytest.approx(
        (np.tanh(np.arctanh(0.8) - half), np.tanh(np.arctanh(0.8) + half))
    )


@pytest.mark.parametrize("r", [0.0, 0.6])
def test_the_interval_of_a_rank_correlation_covers(r: float) -> None:
    """Normal scores: Spearman's is then 6/π arcsin(r/2) (Pearson 1907)."""
    rng = np.random.default_rng(1)
    true, inside = 6 / np.pi * np.arcsin(r / 2), 0
    for _ in range(400):
        x, y = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], 22).T
        _, low, high = rankings.rank_correlation(x, y)
        inside += low <= true <= high
    assert inside / 400 == pytest.approx(0.95, abs=0.03)


def test_rank_correlations_at_the_edges() -> None:
    assert rankings.rank_correlation([1, 2, 3, 4], [2, 4, 6, 9]) == (1, 1, 1)
    assert np.isnan(rankings.rank_correlation([1, 1, 1, 1], [2, 4, 6, 9])).all()
    for x in ([1, 2, 3], [1, 2, 3, np.nan]):
        with pytest.raises(ValueError, match="finite scores of the same methods, four or more"):
            rankings.rank_correlation(x, x)
