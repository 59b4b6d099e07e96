"""The network of section 7.1."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from thesis_lib import model


def test_parameters_counted_by_hand() -> None:
    convolutions = (9 * 1 + 1) * 32 + (9 * 32 + 1) * 64 + (9 * 64 + 1) * 128
    assert convolutions + (3 * 3 * 128 + 1) * 200 + 201 * 10 == 325_282
    assert model.build_cnn().count_params() == 325_282
    assert model.build_cnn(2).count_params() == 325_282 - 8 * 201


def test_order_of_layers_is_the_thesis_s() -> None:
    kinds = [type(layer).__name__ for layer in model.build_cnn().layers]
    block = ["Conv2D", "Activation", "Dropout", "MaxPooling2D"]
    assert kinds == block * 3 + ["Flatten", "Dense", "Dense", "Activation"]


def test_outputs_are_probabilities() -> None:
    network = model.build_cnn(4, (9, 12, 3), seed=0)
    outputs = np.asarray(network(np.random.default_rng(0).random((5, 9, 12, 3), dtype="float32")))
    assert outputs.shape == (5, 4)
    np.testing.assert_allclose(outputs.sum(1), 1, rtol=1e-5)


def test_the_seed_fixes_the_weights_and_layers_differ() -> None:
    one, again, other = (model.build_cnn(seed=s).get_weights() for s in (1, 1, 2))
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_classes": 1}, "n_classes has to be a whole number from 2; got 1"),
        ({"n_classes": 2.5}, "n_classes has to be a whole number from 2; got 2.5"),
        ({"input_shape": (28, 28)}, "got \\(28, 28\\)"),
        ({"input_shape": (28, 28, 0)}, r"got \(28, 28, 0\)"),
        ({"dropout": 1.0}, r"\[0, 1\); got 1.0"),
    ],
)
@pytest.mark.parametrize("build", model.BUILDERS.values(), ids=model.BUILDERS)
def test_bad_input(
    build: Callable[..., object], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_images_that_are_too_small() -> None:
    with pytest.raises(ValueError, match=r"at least 8×8 pixels; got \(7, 28, 1\)"):
        model.build_cnn(input_shape=(7, 28, 1))
    with pytest.raises(ValueError, match=r"at least 1×1 pixels; got \(0, 28, 1\)"):
        model.build_gru(input_shape=(0, 28, 1))


@pytest.mark.parametrize("build", model.BUILDERS.values(), ids=model.BUILDERS)
def test_a_number_of_classes_of_numpy(build: Callable[..., object]) -> None:
    network = build(np.int64(3), (8, 8, 1))
    assert network.output_shape == (None, 3)  # type: ignore[attr-defined]
    assert json.loads(network.to_json())  # type: ignore[attr-defined]
