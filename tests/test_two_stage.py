"""Second stages: features are balanced, the rest of the network stays, the head is new."""

import numpy as np
import pytest

from thesis_lib import model, two_stage


@pytest.fixture(scope="module")
def network() -> object:
    return model.build_cnn(3, (8, 8, 1), seed=1)


IMAGES = np.random.default_rng(0).random((20, 8, 8, 1), dtype=np.float32)


def test_features_and_head_make_the_network(network: object) -> None:
    found = two_stage.features(network, IMAGES).astype(np.float64)
    assert found.shape == (20, 200)
    kernel, bias = network.layers[-2].get_weights()  # type: ignore[attr-defined]
    logits = found @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(network.predict(IMAGES, verbose=0), expected, rtol=1e-4)  # type: ignore[attr-defined]


def test_a_classifier_that_is_put_in_decides(network: object) -> None:
    before = [w.copy() for w in network.get_weights()]  # type: ignore[attr-defined]
    classifier = two_stage.new_classifier(network, seed=4)
    two_stage.put_in(classifier, network)
    found = two_stage.features(network, IMAGES)
    outputs = classifier.predict(found, verbose=0)
    np.testing.assert_allclose(network.predict(IMAGES, verbose=0), outputs, rtol=1e-4)  # type: ignore[attr-defined]
    after = network.get_weights()  # type: ignore[attr-defined]
    for one, other in zip(before[:-2], after[:-2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(before[-2], after[-2])


@pytest.mark.parametrize("stage", two_stage.SAMPLERS)
def test_features_are_balanced_by_repeating_or_between_two_of_a_class(stage: str) -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [12, 4, 2])
    found = rng.normal(size=(18, 6)).astype(np.float32)
    x, labels = two_stage.balanced_features(found, y, stage, seed=1)
    assert np.bincount(labels).tolist() == [12, 12, 12]
    new = np.array([not (row == found).all(1).any() for row in x])
    assert new.any() == (stage == "feature-smote")
    for row, label in zip(x[new], labels[new], strict=True):
        # On a segment the distances to its two ends sum to its length.
        ends = found[y == label].astype(np.float64)
        to_ends = np.linalg.norm(ends - row, axis=1)
        length = np.linalg.norm(ends[:, None] - ends[None], axis=-1)
        gap = np.abs(to_ends[:, None] + to_ends[None] - length)
        assert gap[~np.eye(len(ends), dtype=bool)].min() < 1e-4


def test_epochs_are_shared_four_to_one() -> None:
    assert [two_stage.first_epochs(n) for n in (2, 5, 50, 200)] == [1, 4, 40, 160]
    with pytest.raises(ValueError, match="epochs has to be a whole number from 2; got 1"):
        two_stage.first_epochs(1)


def test_an_unknown_stage() -> None:
    with pytest.raises(ValueError, match="one of retrained-classifier, feature-smote; got 'x'"):
        two_stage.balanced_features(IMAGES.reshape(20, -1), np.arange(20) % 2, "x", 0)


def test_the_recurrent_network_has_features_too() -> None:
    network = model.build_gru(4, (8, 6, 2), seed=1)
    x = np.random.default_rng(0).random((5, 8, 6, 2), dtype=np.float32)
    assert two_stage.features(network, x).shape == (5, 200)
