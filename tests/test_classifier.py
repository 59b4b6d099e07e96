"""The committed classifiers do what was measured when they were trained."""

import numpy as np
import pytest
from scipy.special import softmax

from thesis_lib import data
from thesis_lib.book import classifier


def right(name: str, mnist: data.Dataset, white: float = 1) -> np.ndarray:
    """Return which test images a committed classifier names rightly (n_test,)."""
    x = white * data.to_unit(mnist.x_test)
    outputs = classifier.load(name).predict(x, batch_size=1000, verbose=0)
    found: np.ndarray = outputs.argmax(1) == mnist.y_test
    return found


@pytest.mark.parametrize(("name", "white"), [("handwriting", 1), ("handwriting-0-255", 255)])
def test_the_weights_give_the_recorded_accuracy(
    name: str, white: float, mnist: data.Dataset
) -> None:
    accuracy = right(name, mnist, white).mean()
    # Another machine's kernels may turn an image or two.
    assert accuracy == pytest.approx(classifier.measured(name)["test_accuracy"], abs=5e-4)


def test_classes_left_out_are_never_right(mnist: data.Dataset) -> None:
    known = right("handwriting-without-5-6", mnist)
    measured = classifier.measured("handwriting-without-5-6")
    assert known.mean() == pytest.approx(measured["test_accuracy"], abs=5e-4)
    unseen = np.isin(mnist.y_test, (5, 6))
    assert not known[unseen].any()
    # 1,850 of 10,000 images cannot be right: no accuracy above 81.5 %.
    assert measured["test_accuracy"] <= 1 - unseen.mean()


def test_the_softmax_of_the_logits_is_the_network_s_output() -> None:
    network = classifier.load()
    x = np.random.default_rng(0).random((7, 28, 28, 1), dtype=np.float32)
    features, logits = classifier.feature_extractor(network).predict(x, verbose=0)
    np.testing.assert_allclose(softmax(logits, axis=1), network.predict(x, verbose=0), atol=1e-5)
    kernel, bias = network.layers[-2].get_weights()
    np.testing.assert_allclose(features @ kernel + bias, logits, rtol=1e-3, atol=1e-4)
    assert features.shape == (7, 200)
    assert features.min() >= 0


def test_unknown_weights() -> None:
    with pytest.raises(ValueError, match="no weights 'cats'; there are handwriting"):
        classifier.load("cats")
