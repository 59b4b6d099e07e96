"""The committed classifiers do what was measured when they were trained."""

import numpy as np
import pytest

from thesis_lib import classifier, data


@pytest.mark.parametrize("name", ["handwriting", "handwriting-without-5-6"])
def test_the_weights_give_the_recorded_accuracy(name: str, mnist: data.Dataset) -> None:
    outputs = classifier.load(name).predict(data.to_unit(mnist.x_test), batch_size=1000, verbose=0)
    accuracy = (outputs.argmax(1) == mnist.y_test).mean()
    # Another machine's kernels may turn an image or two.
    assert accuracy == pytest.approx(classifier.measured(name)["test_accuracy"], abs=5e-4)


def test_classes_left_out_are_never_right(mnist: data.Dataset) -> None:
    unseen = np.isin(mnist.y_test, (5, 6))
    network = classifier.load("handwriting-without-5-6")
    outputs = network.predict(data.to_unit(mnist.x_test[unseen]), batch_size=1000, verbose=0)
    assert (outputs.argmax(1) == mnist.y_test[unseen]).sum() == 0
    # 1,850 of 10,000 images cannot be right: no accuracy above 81.5 %.
    assert classifier.measured("handwriting-without-5-6")["test_accuracy"] <= 1 - unseen.mean()


def test_unknown_weights() -> None:
    with pytest.raises(ValueError, match="no weights 'cats'; there are handwriting"):
        classifier.load("cats")
