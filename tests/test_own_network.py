"""A network of one's own in `compare` and `fit`: what is asked of it, and what is left as it is."""

import dataclasses
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import thesis_lib
from tests.test_comparison import quick, squares
from tests.test_own_fit import by_keras_alone
from thesis_lib import metrics, model, two_stage
from thesis_lib.own import builders, comparison_report, image_sets, method_runs, offered
from thesis_lib.own.offered import BASELINE

TRAIN, TEST = squares([40, 20, 6], 0), squares([20, 20, 20], 1)
SETS = image_sets.checked(*TRAIN, *TEST)
SETTINGS = {"epochs": 3, "batch_size": 33, "learning_rate": 0.01}
SHAPE = (8, 8, 1)
pytestmark = pytest.mark.usefixtures("eagerly")


def one_layer(input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Flatten(),
            layers.Dense(n_classes, activation="softmax"),
        ]
    )


def normalised(input_shape: tuple[int, ...], n_classes: int, rate: float = 0.3) -> keras.Model:
    """With layers that do another thing while they are trained, and a softmax of its own."""
    pixels = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, use_bias=False)(pixels * 1.0)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(rate)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Softmax()(layers.Dense(n_classes)(x)))


def on_frozen(input_shape: tuple[int, ...], n_classes: int, value: float = 0.5) -> keras.Model:
    """As on a pretrained backbone: weights that come with the builder, and are not trained."""
    backbone = keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Conv2D(3, 2, strides=2, activation="relu"),
            layers.BatchNormalization(),
        ]
    )
    backbone.set_weights([np.full_like(w, value) for w in backbone.get_weights()])
    backbone.trainable = False
    pixels = keras.Input(input_shape)
    features = layers.Flatten()(backbone(pixels))
    return keras.Model(pixels, layers.Dense(n_classes, activation="softmax")(features))


def as_default(input_shape: tuple[int, ...], n_classes: int, fast: bool = True) -> keras.Model:
    return model.build_cnn(n_classes, input_shape, seed=3, fast=fast)


def digest(builder: builders.Builder) -> str:
    return str(builders.checked(builder, SETS).sha256)


BUILDERS = (one_layer, normalised, on_frozen)


@dataclasses.dataclass
class Elsewhere:
    """What another process makes of saved networks, and of a builder: starting it takes long."""

    saved: dict[builders.Builder, tuple[Path, np.ndarray]]  # file and outputs here
    outputs: dict[builders.Builder, np.ndarray]
    digest: str


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    folder = tmp_path_factory.mktemp("saved")
    saved = {}
    for builder in BUILDERS:
        trained = thesis_lib.fit(
            *TRAIN, method="tuned-threshold", network=builder, progress=False, **SETTINGS
        )
        file = trained.save(folder / f"{builder.__name__}.keras")
        saved[builder] = file, trained.predict_proba(TEST[0])
    files = [file for file, _ in saved.values()]
    *outputs, digest = by_keras_alone(
        files, TEST[0], "from tests import test_own_network as t; print(t.digest(t.on_frozen))"
    )
    return Elsewhere(saved, dict(zip(BUILDERS, outputs, strict=True)), digest)


# What is trained


def test_a_builder_of_the_librarys_own_network_gives_its_numbers() -> None:
    """Through one stage and two; the seed is that of the builder."""
    methods = ["crt", "feature-smote", "prior-correction"]
    default, own = (
        quick(TRAIN, TEST, methods=methods, seeds=[3], network=network, **SETTINGS)
        for network in (None, as_default)
    )
    for method in [BASELINE, *methods]:
        np.testing.assert_array_equal(own.confusions[method][3], default.confusions[method][3])
    other = quick(TRAIN, TEST, methods=[], seeds=[3], network=one_layer, **SETTINGS)
    assert (other.confusions[BASELINE][3] != default.confusions[BASELINE][3]).any()


def test_the_weights_of_a_builder_are_trained_as_those_of_the_library() -> None:
    default, own = (
        thesis_lib.fit(*TRAIN, method="ros", seed=3, network=network, progress=False, **SETTINGS)
        for network in (None, functools.partial(as_default, fast=True))
    )
    np.testing.assert_allclose(
        own.predict_proba(TEST[0]), default.predict_proba(TEST[0]), atol=1e-6
    )


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_kind_of_method_fits_what_the_comparison_measured(
    builder: builders.Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = {**offered.METHODS["ensemble"], "members": 2}
    monkeypatch.setitem(offered.METHODS, "ensemble", two)
    methods = ["ldam-drw", "mfe", "crt", "ensemble", "prior-correction", "tuned-threshold"]
    settings = {**SETTINGS, "network": builder}
    compared = quick(TRAIN, TEST, methods=methods, seeds=[3], **settings)
    assert not compared.skipped
    for method in methods:
        trained = thesis_lib.fit(*TRAIN, method=method, seed=3, progress=False, **settings)
        table = metrics.confusion(TEST[1], trained.predict(TEST[0]), 3)
        np.testing.assert_array_equal(table, compared.confusions[method][3], method)


def test_seeds_draw_the_weights_and_leave_those_that_the_builder_sets() -> None:
    experiment = offered.experiment(BASELINE, **SETTINGS)  # type: ignore[arg-type]
    network = builders.checked(on_frozen, SETS)

    def trained(seed: int) -> list[np.ndarray]:
        (one,) = method_runs.networks(experiment, SETS, network, seed, lambda images: None)
        found: list[np.ndarray] = one.network.get_weights()
        return found

    one, again, other = trained(1), trained(1), trained(2)
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    *frozen, kernel, _ = one
    assert len(frozen) == 6
    assert all((weight == 0.5).all() for weight in frozen)
    assert not np.allclose(kernel, other[-2])


def test_running_means_are_trained_and_dropout_falls_in_training_only() -> None:
    settings = {"method": BASELINE, "progress": False, **SETTINGS}
    trained = thesis_lib.fit(*TRAIN, network=normalised, **settings)
    (network,) = (one for one in trained.network.layers if one.name == "network_0")
    (norm,) = (x for x in network.layers if isinstance(x, layers.BatchNormalization))
    assert np.abs(norm.moving_mean.numpy()).max() > 0
    np.testing.assert_array_equal(trained.predict_proba(TEST[0]), trained.predict_proba(TEST[0]))
    still = functools.partial(normalised, rate=0.0)
    other = thesis_lib.fit(*TRAIN, network=still, **settings)
    assert not np.allclose(other.predict_proba(TEST[0]), trained.predict_proba(TEST[0]))


def test_features_are_what_the_last_dense_layer_gets() -> None:
    for builder, n_features in ((one_layer, 64), (normalised, 4), (as_default, 200)):
        network = builder(SHAPE, 3)
        assert two_stage.features(network, np.zeros((2, *SHAPE))).shape == (2, n_features)
        assert builders.checked(builder, SETS).n_features == n_features


def test_smote_of_features_counts_those_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 images of the second class, 64 features of 8 bytes: 10,240."""
    from thesis_lib import resampling

    monkeypatch.setattr(resampling, "_SMOTE_BYTES", 10_000)
    skipped = {
        n: offered.obstacle(
            offered.experiment("feature-smote", **SETTINGS),  # type: ignore[arg-type]
            SETS,
            n,
        )
        for n in (62, 64)
    }
    assert skipped[62] == ""
    assert "compares all images of a class in memory" in skipped[64]


# Records


def test_records_of_two_networks_are_kept_apart(tmp_path: Path) -> None:
    settings = {"methods": ["ros"], "folder": tmp_path, **SETTINGS}
    first = [quick(TRAIN, TEST, network=n, **settings) for n in (one_layer, None, normalised)]
    lines = (tmp_path / "own-data" / "ros.jsonl").read_text().splitlines()
    found = [json.loads(line)["experiment"] for line in lines]
    assert [one.get("network_sha256") for one in found] == [
        digest(one_layer),
        None,
        digest(normalised),
    ]
    assert [one["dropout"] for one in found] == [None, 0.2, None]
    again = [quick(TRAIN, TEST, network=n, **settings) for n in (one_layer, None, normalised)]
    assert (tmp_path / "own-data" / "ros.jsonl").read_text().splitlines() == lines
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.confusions["ros"][1], other.confusions["ros"][1])


def test_the_digest_is_of_architecture_and_given_weights(elsewhere: "Elsewhere") -> None:
    """Neither of how many layers were made before, nor of what a seed draws."""
    every = {
        "one": one_layer,
        "normalised": normalised,
        "rate": functools.partial(normalised, rate=0.4),
        "frozen": on_frozen,
        "other weights": functools.partial(on_frozen, value=0.25),
        "cnn": as_default,
        "plain": functools.partial(as_default, fast=False),
    }
    found = {name: digest(builder) for name, builder in every.items()}
    assert len(set(found.values())) == len(every)
    assert {name: digest(builder) for name, builder in every.items()} == found
    assert elsewhere.digest == found["frozen"]


def test_mixed_precision_is_another_network() -> None:
    def mixed(input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
        return keras.Sequential(
            [
                keras.Input(input_shape),
                layers.Flatten(dtype="mixed_bfloat16"),
                layers.Dense(n_classes, activation="softmax"),
            ]
        )

    assert digest(mixed) != digest(one_layer)


def test_the_network_is_named_in_the_report_and_the_recommendation() -> None:
    result = quick(TRAIN, TEST, methods=["ros"], network=one_layer, **SETTINGS)
    assert result.settings["network"] == "one_layer"
    assert result.settings["parameters"] == 64 * 3 + 3
    assert "dropout" not in result.settings
    page = comparison_report.page(result)
    assert "network one_layer, parameters 195" in page
    assert "three blocks of convolution" not in page
    assert result._as_arguments("ros").endswith("network=one_layer")
    for builder in (lambda shape, n: one_layer(shape, n), functools.partial(one_layer)):
        name = builders.checked(builder, SETS).name
        other = dataclasses.replace(result, settings={"network": name})
        assert other._as_arguments("ros").endswith("network=...")


# What is saved


@pytest.mark.parametrize("builder", BUILDERS)
def test_what_is_saved_is_loaded_with_and_without_this_library(
    builder: builders.Builder, elsewhere: "Elsewhere"
) -> None:
    file, expected = elsewhere.saved[builder]
    np.testing.assert_allclose(thesis_lib.load(file).predict_proba(TEST[0]), expected)
    np.testing.assert_allclose(elsewhere.outputs[builder], expected, atol=1e-6)


class Doubled(layers.Layer):
    """A layer that Keras knows only if it is told."""

    def call(self, inputs: Any) -> Any:
        return 2 * inputs


def test_a_layer_of_ones_own_is_asked_for_when_it_is_loaded(tmp_path: Path) -> None:
    def doubling(input_shape: tuple[int, ...], n_classes: int) -> keras.Model:
        return keras.Sequential(
            [
                keras.Input(input_shape),
                Doubled(),
                layers.Flatten(),
                layers.Dense(n_classes, activation="softmax"),
            ]
        )

    trained = thesis_lib.fit(*TRAIN, method="ros", network=doubling, epochs=1, progress=False)
    file = trained.save(tmp_path / "own.keras")
    with pytest.raises(ValueError, match=r"Could not locate class 'Doubled'.*custom_object_scope"):
        thesis_lib.load(file)
    with keras.saving.custom_object_scope({"Doubled": Doubled}):
        again = thesis_lib.load(file)
    np.testing.assert_allclose(again.predict_proba(TEST[0]), trained.predict_proba(TEST[0]))


# What is refused


def ends(*last: Any, **options: Any) -> builders.Builder:
    return lambda shape, n: keras.Sequential(
        [keras.Input(shape, **options), layers.Flatten(), *(make(n) for make in last)]
    )


def softmax(n: int) -> layers.Layer:
    return layers.Dense(n, activation="softmax")


def functional(outputs: Callable[[Any, Any], Any]) -> builders.Builder:
    """A model whose outputs are a function of its features and of the probabilities."""

    def build(shape: tuple[int, ...], n: int) -> keras.Model:
        pixels = keras.Input(shape)
        x = layers.Flatten()(pixels)
        return keras.Model(pixels, outputs(x, layers.Dense(n, activation="softmax")(x)))

    return build


class Subclassed(keras.Model):
    def call(self, inputs: Any) -> Any:
        return inputs


SHARED = layers.Dense(5)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("resnet", "network has to be a function of input_shape and n_classes .*; got 'resnet'"),
        (one_layer(SHAPE, 3), "has to be a function that builds a model.*clone_model"),
        (lambda: None, r"called as network\(input_shape, n_classes\).*too many positional"),
        (lambda shape, n: None, "has to return a Keras model; it returned NoneType"),
        (lambda shape, n: Subclassed(), "it returned a Subclassed. Call that on a keras.Input"),
        (ends(softmax, dtype="uint8"), "pixels as floats from 0 to 1, but takes uint8"),
        (
            lambda shape, n: one_layer((9, 9, 3), n),
            r"take images of shape \(8, 8, 1\); it takes \(9, 9, 3\)",
        ),
        (lambda shape, n: one_layer((64,), n), r"shape \(8, 8, 1\); it takes \(64,\)"),
        (
            ends(lambda n: layers.Dense(1, activation="sigmoid")),
            r"end with Dense\(3, activation='softmax'\), .*ends with Dense\(1, activation='sigmo",
        ),
        (ends(layers.Dense), r"It ends with Dense\(3, activation='linear'\)\."),
        (
            ends(lambda n: layers.Dense(n, activation="softmax", use_bias=False)),
            "activation='softmax', use_bias=False",
        ),
        (ends(softmax, lambda n: layers.Softmax()), "activation='softmax'.*, then Softmax"),
        (ends(layers.Dense, lambda n: layers.ReLU()), "activation='linear'.*, then ReLU"),
        (ends(), "It ends with Flatten"),
        (ends(softmax, lambda n: layers.Dropout(0.1)), "then Dropout"),
        (functional(lambda x, p: [p, p + 1]), "It has 2 outputs"),
        (functional(lambda x, p: p**2), "computed after its last layer"),
        (
            functional(lambda x, p: layers.Softmax()(layers.Dense(3)(x) + 1)),
            r"Dense\(3, activation='linear'\), then Softmax",
        ),
        (functional(lambda x, p: layers.Average()([p, p])), "then Average"),
        (ends(lambda n: SHARED, softmax), "build all layers anew each time"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_before_anything_is_trained(
    network: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises((ValueError, TypeError), match=message) as refused:
        quick(TRAIN, TEST, network=network, folder=tmp_path / "records")
    assert not (tmp_path / "records").exists()
    assert len(re.findall(r"\n", str(refused.value))) == 0


def test_a_network_without_anything_to_train_is_refused() -> None:
    def frozen(shape: tuple[int, ...], n: int) -> keras.Model:
        network = one_layer(shape, n)
        network.trainable = False
        return network

    with pytest.raises(ValueError, match="no trainable weights"):
        quick(TRAIN, TEST, network=frozen)


def test_a_layer_that_cannot_be_described_is_refused() -> None:
    class Scaled(layers.Layer):
        def __init__(self, by: object) -> None:
            super().__init__()
            self.by = by

        def call(self, inputs: Any) -> Any:
            return inputs

    with pytest.raises(ValueError, match=r"cannot describe.*get_config"):
        quick(TRAIN, TEST, network=ends(lambda n: Scaled(object()), softmax))


def test_a_lambda_in_a_layer_is_refused() -> None:
    doubling = ends(lambda n: layers.Lambda(lambda x: 2 * x), softmax)
    with pytest.raises(ValueError, match="has a lambda in a layer"):
        quick(TRAIN, TEST, network=doubling)


def test_inputs_of_any_size_and_a_sequential_without_inputs_fit() -> None:
    def anywhere(shape: tuple[int, ...], n: int) -> keras.Model:
        pixels = keras.Input((None, None, shape[-1]))
        return keras.Model(pixels, softmax(n)(layers.GlobalMaxPooling2D()(pixels)))

    def late(shape: tuple[int, ...], n: int) -> keras.Model:
        return keras.Sequential([layers.Flatten(), softmax(n)])

    for builder in (anywhere, late):
        result = quick(TRAIN, TEST, methods=["crt"], epochs=2, network=builder)
        assert not result.skipped
