"""Scores against independent computations in float64, invariances, and one battery for all."""

import numpy as np
import pytest
from scipy.spatial import distance
from scipy.special import log_softmax, logsumexp
from sklearn import ensemble

from thesis_lib import anomaly, scores

NAMES = list(scores.catalogue())


@pytest.fixture
def normal() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features in three clusters, the logits of a linear layer, labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    features = rng.normal(size=(90, 5)) + 4 * np.eye(3, 5)[labels]
    return features, features @ rng.normal(size=(5, 3)), labels


@pytest.fixture
def new() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(0, 3, (40, 5)), rng.normal(0, 5, (40, 3))


def test_maximum_probability_is_the_logarithm_of_the_confidence(normal, new) -> None:
    found = scores.MaximumProbability().fit(*normal).score(*new)
    np.testing.assert_allclose(found, log_softmax(new[1], axis=1).max(1), atol=1e-15)
    np.testing.assert_allclose(
        np.exp(found), anomaly.confidence(np.exp(log_softmax(new[1], axis=1)))
    )


def test_confidences_that_round_to_one_keep_their_order(normal) -> None:
    logits = np.array([[60.0, 0, 0], [50, 0, 0], [40, 0, 0]])
    found = scores.MaximumProbability().fit(*normal).score(np.ones((3, 5)), logits)
    np.testing.assert_allclose(found, -2 * np.exp([-60.0, -50, -40]))


def test_temperature_divides_the_logits(normal, new) -> None:
    found = scores.MaximumProbability(temperature=1000).fit(*normal).score(*new)
    np.testing.assert_allclose(found, log_softmax(new[1] / 1000, axis=1).max(1), rtol=1e-12)


def test_a_high_temperature_ranks_by_the_largest_logit_above_the_mean(normal, new) -> None:
    # log of softmax(z / T) is -log K + (max - mean) / T and terms of 1 / T².
    found = scores.MaximumProbability(temperature=1e6).fit(*normal).score(*new)
    above = new[1].max(1) - new[1].mean(1)
    np.testing.assert_allclose(1e6 * (found + np.log(3)), above, rtol=1e-4)


@pytest.mark.parametrize("temperature", [0.5, 1, 20])
def test_energy_is_scipy_s(normal, new, temperature: float) -> None:
    found = scores.Energy(temperature).fit(*normal).score(*new)
    np.testing.assert_allclose(found, temperature * logsumexp(new[1] / temperature, axis=1))


def test_energy_by_hand_limits_and_shift(normal, new) -> None:
    ones = np.ones((1, 5))
    energy = scores.Energy().fit(*normal)
    assert energy.score(ones, [[0.0, 0, 0]]) == pytest.approx(np.log(3))
    assert energy.score(ones, [[1000.0, 1000, -1000]]) == pytest.approx(1000 + np.log(2))
    cold = scores.Energy(1e-3).fit(*normal).score(*new)
    np.testing.assert_allclose(cold, scores.MaximumLogit().fit(*normal).score(*new), atol=1e-2)
    # As T grows, it is the mean logit and T · log K.
    hot = scores.Energy(1e7).fit(*normal).score(*new) - 1e7 * np.log(3)
    np.testing.assert_allclose(hot, new[1].mean(1), atol=1e-4)
    shifted = energy.score(new[0], new[1] + 7)
    np.testing.assert_allclose(shifted, energy.score(*new) + 7)


def test_maximum_probability_is_the_maximum_logit_minus_the_energy(normal, new) -> None:
    one, logit, energy = (
        score().fit(*normal).score(*new)
        for score in (scores.MaximumProbability, scores.MaximumLogit, scores.Energy)
    )
    np.testing.assert_allclose(one, logit - energy, atol=1e-13)


def test_maximum_logit(normal) -> None:
    found = scores.MaximumLogit().fit(*normal).score(np.ones((2, 5)), [[1, 3, 2], [-5, -4, -9]])
    assert found.tolist() == [3, -4]


def pooled(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class means and tied covariance with loops, as Lee et al. define them."""
    means = np.array([features[labels == c].mean(0) for c in np.unique(labels)])
    covariance = np.zeros((features.shape[1],) * 2)
    for row, label in zip(features, labels, strict=True):
        covariance += np.outer(row - means[label], row - means[label])
    return means, covariance / len(features)


def test_mahalanobis_is_scipy_s(normal, new) -> None:
    means, covariance = pooled(normal[0], normal[2])
    inverse = np.linalg.inv(covariance)
    expected = [-min(distance.mahalanobis(f, m, inverse) ** 2 for m in means) for f in new[0]]
    found = scores.Mahalanobis().fit(*normal).score(*new)
    np.testing.assert_allclose(found, expected)


def test_mahalanobis_with_a_known_covariance() -> None:
    # Two classes, each a cross about its mean: variance 2 along x, 0.5 along y.
    cross = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    features, labels = np.concatenate([cross, cross + np.array([10, 0])]), np.repeat([0, 1], 4)
    score = scores.Mahalanobis().fit(features, np.zeros((8, 2)), labels)
    found = score.score([[0, 0], [2, 0], [10, 3], [5, 0]], np.zeros((4, 2)))
    np.testing.assert_allclose(found, [0, -2, -18, -12.5], atol=1e-12)


def test_mahalanobis_is_blind_to_an_invertible_linear_map(normal, new) -> None:
    features, logits, labels = normal
    mixing = np.random.default_rng(2).normal(size=(5, 5)) + 3 * np.eye(5)
    one = scores.Mahalanobis().fit(features, logits, labels).score(*new)
    other = scores.Mahalanobis().fit(features @ mixing + 9, logits, labels)
    np.testing.assert_allclose(other.score(new[0] @ mixing + 9, new[1]), one, rtol=1e-8)


def test_mahalanobis_leaves_out_what_never_varied(normal, new) -> None:
    """Constant and repeated features make the covariance singular and change nothing."""
    features, logits, labels = normal
    one = scores.Mahalanobis().fit(features, logits, labels).score(*new)
    wide = np.hstack([features, features[:, :1], np.full((90, 1), 3.0)])
    found = scores.Mahalanobis().fit(wide, logits, labels)
    more = np.hstack([new[0], new[0][:, :1], np.full((40, 1), 8.0)])
    np.testing.assert_allclose(found.score(more, new[1]), one, rtol=1e-8)


def test_nearest_neighbours_by_brute_force(normal, new) -> None:
    train, test = (f / np.linalg.norm(f, axis=1, keepdims=True) for f in (normal[0], new[0]))
    all_distances = np.sqrt(((test[:, None] - train[None]) ** 2).sum(2))
    found = scores.NearestNeighbours(7).fit(*normal).score(*new)
    np.testing.assert_allclose(found, -np.sort(all_distances, 1)[:, 6])


def test_nearest_neighbours_see_directions_only(normal, new) -> None:
    score = scores.NearestNeighbours(3).fit(*normal)
    np.testing.assert_allclose(score.score(5 * new[0], new[1]), score.score(*new))
    assert score.score(np.zeros((1, 5)), np.zeros((1, 3))) == pytest.approx(-1)


def test_isolation_forest_is_scikit_learn_s(normal, new) -> None:
    expected = ensemble.IsolationForest(random_state=3).fit(normal[0]).score_samples(new[0])
    found = scores.IsolationForest(random_state=3).fit(*normal).score(*new)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", NAMES)
class TestEveryScore:
    def score(self, name: str) -> scores.Score:
        return scores.catalogue()[name]

    def test_gives_one_finite_float64_a_row(self, name, normal, new) -> None:
        found = self.score(name).fit(*normal).score(*new)
        assert found.shape == (40,)
        assert found.dtype == np.float64
        assert np.isfinite(found).all()

    def test_takes_float32_and_lists(self, name, normal, new) -> None:
        expected = self.score(name).fit(*normal).score(*new)
        narrow = [a.astype(np.float32) for a in normal[:2]]
        found = self.score(name).fit(*narrow, normal[2]).score(*(a.tolist() for a in new))
        # A tree of the forest may cut between two values that float32 rounds.
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-2)

    def test_is_higher_for_normal_inputs(self, name, normal) -> None:
        """Deep inside a class with a clear answer, against far outside with none."""
        features, _, labels = normal
        logits = 9.0 * np.eye(3)[labels]
        fitted = self.score(name).fit(features, logits, labels)
        inside = fitted.score(features, logits)
        outside = fitted.score(np.full((30, 5), -20.0), np.full((30, 3), -1.0))
        assert anomaly.detection(inside, outside)["AUROC"] == 1

    def test_does_not_depend_on_the_other_rows(self, name, normal, new) -> None:
        fitted = self.score(name).fit(*normal)
        one = [fitted.score(new[0][i : i + 1], new[1][i : i + 1])[0] for i in range(40)]
        np.testing.assert_allclose(one, fitted.score(*new), rtol=1e-10)

    def test_changes_none_of_its_inputs(self, name, normal, new) -> None:
        copies = [a.copy() for a in (*normal, *new)]
        self.score(name).fit(*normal).score(*new)
        for array, copy in zip((*normal, *new), copies, strict=True):
            np.testing.assert_array_equal(array, copy)

    def test_takes_one_class_and_absent_classes(self, name, normal, new) -> None:
        features, logits, _ = normal
        found = self.score(name).fit(features, logits, np.full(90, 2)).score(*new)
        assert np.isfinite(found).all()

    def test_has_to_be_fitted(self, name, new) -> None:
        with pytest.raises(RuntimeError, match=r"Call fit\(\) before score\(\)"):
            self.score(name).score(*new)

    def test_a_failed_fit_leaves_it_unfitted(self, name, normal, new) -> None:
        score = self.score(name)
        with pytest.raises(ValueError, match="90 rows, but logits 89"):
            score.fit(normal[0], normal[1][1:], normal[2])
        with pytest.raises(RuntimeError, match="Call fit"):
            score.score(*new)

    def test_rejects_what_does_not_fit(self, name, normal, new) -> None:
        features, logits, labels = normal
        score = self.score(name)
        with pytest.raises(ValueError, match=r"one entry a row, \(90,\); got \(89,\)"):
            score.fit(features, logits, labels[1:])
        with pytest.raises(TypeError, match=r"class numbers; got 0\.5 \(float64\)"):
            score.fit(features, logits, labels + 0.5)
        with pytest.raises(ValueError, match="labels go from 0 to 3; allowed are 0 to 2"):
            score.fit(features, logits, np.arange(90) % 4)
        with pytest.raises(ValueError, match="at least 2 columns; got 1"):
            score.fit(features, logits[:, :1], labels)
        with pytest.raises(ValueError, match=r"features has to have shape .*; got \(0, 5\)"):
            score.fit(features[:0], logits[:0], labels[:0])
        score.fit(features, logits, labels)
        with pytest.raises(ValueError, match=r"features has 4 columns, but fit\(\) saw 5"):
            score.score(new[0][:, 1:], new[1])
        with pytest.raises(ValueError, match=r"logits has 2 columns, but fit\(\) saw 3"):
            score.score(new[0], new[1][:, 1:])

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_rejects_nan_and_infinity(self, name, normal, new, bad: float) -> None:
        features, logits, labels = normal
        spoiled = features.copy()
        spoiled[3, 1] = bad
        with pytest.raises(ValueError, match="features holds NaN or infinite"):
            self.score(name).fit(spoiled, logits, labels)
        broken = new[1].copy()
        broken[0, 0] = bad
        with pytest.raises(ValueError, match="logits holds NaN or infinite"):
            self.score(name).fit(*normal).score(new[0], broken)


@pytest.mark.parametrize(
    ("name", "used"),
    [(name, {"logits"}) for name in NAMES[:4]]
    + [("Mahalanobis", {"labels"}), ("Nearest neighbours", set()), ("Isolation forest", set())],
)
def test_what_a_score_does_not_use_may_be_left_out(name, used, normal, new) -> None:
    features, logits, labels = normal
    given = {"logits": logits, "labels": labels}
    needed = {key: given[key] for key in used}
    again = {"logits": new[1]} if "logits" in used else {}
    expected = scores.catalogue()[name].fit(*normal).score(*new)
    few = scores.catalogue()[name].fit(features, **needed)
    np.testing.assert_array_equal(few.score(new[0], **again), expected)
    np.testing.assert_array_equal(few.score(*new), expected)
    more = scores.catalogue()[name].fit(*normal)
    np.testing.assert_array_equal(more.score(new[0], **again), expected)
    for key in used:
        rest = {other: given[other] for other in given if other != key}
        with pytest.raises(ValueError, match=f"uses {key}; pass them too"):
            scores.catalogue()[name].fit(features, **rest)
    if "logits" in used:
        with pytest.raises(ValueError, match="uses logits; pass them too"):
            more.score(new[0])


def test_labels_without_logits_are_checked_too(normal) -> None:
    with pytest.raises(ValueError, match="labels go from -1 to 1; allowed are those from 0"):
        scores.Mahalanobis().fit(normal[0], labels=normal[2] - 1)


def test_settings_are_checked(normal) -> None:
    with pytest.raises(ValueError, match="temperature has to be a number above 0; got 0"):
        scores.Energy(0)
    with pytest.raises(ValueError, match="temperature has to be a number above 0; got inf"):
        scores.MaximumProbability(np.inf)
    with pytest.raises(ValueError, match=r"k has to be a whole number from 1; got 0\.5"):
        scores.NearestNeighbours(0.5)
    with pytest.raises(TypeError, match="k has to be a whole number from 1; got True"):
        scores.NearestNeighbours(True)
    k = scores.NearestNeighbours(np.int64(5)).k
    assert (k, type(k)) == (5, int)
    with pytest.raises(ValueError, match=r"k is 91, but fit\(\) got 90 rows; lower k"):
        scores.NearestNeighbours(91).fit(*normal)
