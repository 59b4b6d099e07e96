"""The network of a comparison: the library's own, or one that a function of the reader's builds."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from thesis_lib import backend, model, two_stage
from thesis_lib.engine import fitting
from thesis_lib.own.image_sets import ImageSets

Builder = Callable[[tuple[int, ...], int], Any]

# Where a configuration of Keras holds names and ids that differ from one call to the next.
_NUMBERED = {"name", "keras_history", "input_layers", "output_layers", "shared_object_id"}


@dataclasses.dataclass(frozen=True)
class Network:
    """What builds the networks of a comparison.

    Attributes
    ----------
    builder : callable, bytes or None
        The reader's function, pickled on the way to another machine; None for the library's own.
    name : str
        Of that function; "" for the library's own.
    sha256 : str or None
        First 16 digits of the checksum of the architecture, and of the weights that no seed draws.
    n_features : int
        How many numbers the last layer gets for an image.
    n_parameters : int or None
    """

    builder: Builder | bytes | None = None
    name: str = ""
    sha256: str | None = None
    n_features: int = model.DENSE_UNITS
    n_parameters: int | None = None

    def build(
        self, sets: ImageSets, *, dropout: float = 0.2, seed: int | None = None, fast: bool = False
    ) -> Any:
        """Return a new network, not yet compiled.

        Parameters
        ----------
        sets : ImageSets
            It gives the shape of the images and the number of classes.
        dropout, seed, fast
            As `model.build_cnn` takes them. The reader's function gets none of them: what it
            draws follows from `fitting.set_up`, which comes before.
        """
        shape, n_classes = sets.input_shape, len(sets.classes)
        if self.builder is None:
            return model.build_cnn(n_classes, shape, dropout=dropout, seed=seed, fast=fast)
        assert callable(self.builder)
        return _built(self.builder(shape, n_classes), shape)

    def settings(self) -> dict[str, Any]:
        """Return what is said of it in a report; nothing of the library's own."""
        if self.builder is None:
            return {}
        known = {"network": self.name, "parameters": self.n_parameters}
        return {**known, "network_sha256": self.sha256}

    def portable(self) -> Network:
        """Return the same with its function pickled, code and all if a script or notebook made it.

        Raises
        ------
        TypeError
            If that cannot be done.
        """
        if self.builder is None:
            return self
        import cloudpickle

        try:
            return dataclasses.replace(self, builder=cloudpickle.dumps(self.builder))
        except Exception as error:  # whatever an object within it raises
            raise TypeError(
                f"network={self.name} cannot be sent to the workers of a cluster, since it uses "
                f"what cannot be pickled ({' '.join(str(error).split())[:100]}). Make all that it "
                "needs inside the function."
            ) from error


def opened(network: Network) -> Network:
    """Return what `Network.portable` stands for.

    Parameters
    ----------
    network : Network
        As it is, or as `Network.portable` returns it.

    Raises
    ------
    RuntimeError
        If this machine lacks what its function needs.
    """
    if not isinstance(network.builder, bytes):
        return network
    try:
        return dataclasses.replace(network, builder=pickle.loads(network.builder))
    except Exception as error:  # whatever an import raises here
        raise RuntimeError(
            f"A worker cannot load network={network.name}: {error}. Install its module on all "
            "workers, or define it in the script or notebook that calls: then it is sent along."
        ) from error


def checked(builder: Builder | None, sets: ImageSets) -> Network:
    """Build a network twice, look whether all methods can train it, and take its checksum.

    Parameters
    ----------
    builder : callable or None
        As `thesis_lib.compare` takes it.
    sets : ImageSets

    Raises
    ------
    TypeError
        If it is no function of two arguments, or returns no Keras model.
    ValueError
        If it returns a model of another kind than asked for, or parts of the same one twice.
    """
    if builder is None:
        return Network()
    backend.start()
    _check_builder(builder)
    network = Network(builder, getattr(builder, "__name__", f"{type(builder).__name__}(...)"))
    twice = []
    for seed in (0, 1):
        fitting.set_up(seed)
        twice.append(network.build(sets))
    one, other = twice
    _check_ends(one, sets.input_shape, len(sets.classes))
    if {id(v) for v in one.variables} & {id(v) for v in other.variables}:
        raise ValueError(
            "network has to build all layers anew each time it is called, else one run would go on "
            "with what another has learned; two calls shared some. Make them, or clone a model "
            "(keras.models.clone_model, then set_weights), inside the function."
        )
    return dataclasses.replace(
        network,
        sha256=_digest(one, other),
        n_features=two_stage.last_dense(one).input.shape[-1],
        n_parameters=one.count_params(),
    )


def _check_builder(builder: Any) -> None:
    import keras

    if isinstance(builder, keras.Model):
        raise TypeError(
            "network has to be a function that builds a model, as every run begins with a new one; "
            "got a model. Pass lambda input_shape, n_classes: keras.models.clone_model(model), or "
            "the function that built it."
        )
    if not callable(builder):
        raise TypeError(
            "network has to be a function of input_shape and n_classes that returns a Keras model; "
            f"got {builder!r}."
        )
    try:
        inspect.signature(builder).bind((8, 8, 1), 2)
    except TypeError as error:
        raise TypeError(
            "network is called as network(input_shape, n_classes), such as network((32, 32, 3), 4),"
            f" and this function does not take that: {error}."
        ) from None
    except ValueError:  # a function that tells nobody what it takes
        return


def _built(network: Any, shape: tuple[int, ...]) -> Any:
    """Return a model with known inputs; a Sequential without an Input gets them here."""
    import keras

    if not isinstance(network, keras.Model):
        raise TypeError(
            f"network has to return a Keras model; it returned {type(network).__name__}. Does the "
            "function end in `return`?"
        )
    if isinstance(network, keras.Sequential) and not network.built:
        network.build((None, *shape))
    if not getattr(network, "inputs", None):  # which a subclass of keras.Model has not
        raise ValueError(
            "network has to return a keras.Sequential, or a keras.Model(inputs, outputs): methods "
            f"look at its last layers; it returned a {type(network).__name__}. Call that on a "
            "keras.Input, and end with Dense layers outside of it."
        )
    return network


def _check_ends(network: Any, shape: tuple[int, ...], n_classes: int) -> None:
    """Refuse a network whose inputs or outputs are not those of the images."""
    inputs = network.inputs
    fits = len(inputs) == 1 and all(
        n in (None, m) for n, m in zip(inputs[0].shape[1:], shape, strict=False)
    )
    if not fits or len(inputs[0].shape) != 4:
        found = " and ".join(str(tuple(one.shape[1:])) for one in inputs)
        raise ValueError(
            f"network has to take images of shape {shape}; it takes {found}. Begin it with "
            "keras.Input(input_shape)."
        )
    if "float" not in inputs[0].dtype:
        raise ValueError(
            f"network gets pixels as floats from 0 to 1, but takes {inputs[0].dtype}; leave dtype "
            "out of keras.Input. For layers that want 0 to 255 add keras.layers.Rescaling(255)."
        )
    if found := _wrong_end(network, n_classes):
        raise ValueError(
            f"network has to end with Dense({n_classes}, activation='softmax'), with a bias: "
            f"decisions are written into that layer, and some methods train it anew. {found}."
        )
    if not network.trainable_variables:
        raise ValueError(
            "network has no trainable weights; nothing can be learned. Freeze the backbone only."
        )


def _wrong_end(network: Any, n_classes: int) -> str:
    """Say how a network ends otherwise than with a dense layer, then softmax; "" if it does so."""
    from keras import Sequential, activations, layers

    if len(network.outputs) != 1:
        return f"It has {len(network.outputs)} outputs"
    dense, last = two_stage.last_dense(network), network.layers[-1]
    # What `add` has grown was called many times, and its tensors do not tell; it is a chain anyway.
    chain = isinstance(network, Sequential)
    if not chain and last.output is not network.outputs[0]:
        return "Its output is computed after its last layer"
    if not isinstance(dense, layers.Dense):
        return f"It ends with {type(last).__name__}"
    within = dense.activation is activations.softmax
    after = isinstance(last, layers.Softmax) or (
        isinstance(last, layers.Activation) and last.activation is activations.softmax
    )
    if dense is last:
        fits = within
    else:
        linear = dense.activation is activations.linear
        fits = after and linear and (chain or last.input is dense.output)
    name = getattr(dense.activation, "__name__", type(dense.activation).__name__)
    shown = f"Dense({dense.units}, activation={name!r}{', use_bias=False' * (not dense.use_bias)})"
    if dense.units == n_classes and dense.use_bias and fits and len(dense.output.shape) == 2:
        return ""
    return f"It ends with {shown}{'' if dense is last else f', then {type(last).__name__}'}"


def _digest(one: Any, other: Any) -> str:
    """Return a checksum that tells networks apart, from two that were built with two seeds.

    Weights that are equal in both come from the builder, as those of a pretrained backbone do, and
    belong to what it is. The others were drawn, and say nothing that the architecture does not.
    """
    digest = hashlib.sha256(_architecture(one).encode())
    weights, others = one.get_weights(), other.get_weights()
    if [w.shape for w in weights] != [w.shape for w in others]:
        raise ValueError("network has to build the same architecture each time it is called.")
    for number, (weight, again) in enumerate(zip(weights, others, strict=True)):
        if np.array_equal(weight, again):
            digest.update(f"{number} {weight.dtype}".encode())
            digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:16]


def _architecture(network: Any) -> str:
    """Return Keras's configuration of a model, with automatic names numbered from its beginning.

    Keras counts the layers that a process has made: the same builder gives dense, then dense_1.
    """
    import keras

    numbers: dict[Any, str] = {}

    def plain(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: plain(value[k], k) for k in sorted(value) if k != "compile_config"}
        if isinstance(value, list | tuple):
            return [plain(item, key) for item in value]
        numbered = isinstance(value, str) or key == "shared_object_id"
        if key not in _NUMBERED or not numbered:
            return value
        stem = re.sub(r"_\d+$", "", value) if isinstance(value, str) else ""
        return numbers.setdefault(value, f"{stem} {len(numbers)}")

    try:
        text = json.dumps(plain(keras.saving.serialize_keras_object(network)))
    except (NotImplementedError, TypeError) as error:
        raise ValueError(
            "network has a layer that Keras cannot describe, which records and saving need: give "
            f"it a get_config ({' '.join(str(error).split())[:150]})."
        ) from error
    if '"__lambda__"' in text:  # Keras would write its bytecode, where each kernel names its file
        raise ValueError(
            "network has a lambda in a layer, which Keras does not load again. Make it a subclass "
            "of keras.layers.Layer, or compute with tensors outside of layers, such as 2 * x."
        )
    return text
