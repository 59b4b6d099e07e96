"""Where, when and on what a network was trained."""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import __version__, backend


def checksum(*arrays: NDArray[Any]) -> str:
    """Return the first 16 digits of the SHA-256 of arrays, one after the other.

    Parameters
    ----------
    *arrays : ndarray
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def provenance(data_sha256: str, dataset: str, precision: str = "float32") -> dict[str, Any]:
    """Say where, when and on what a run was made.

    Parameters
    ----------
    data_sha256 : str
        `checksum` of the images and labels that were trained on, and of those of the test.
    dataset : str
        Its name.
    precision : str

    Returns
    -------
    dict
        Device, backend, precision, versions, name and checksum of the data, UTC time.
    """
    import keras

    backend = keras.backend.backend()
    return {
        "device": _device(backend),
        "backend": backend,
        "precision": precision,
        "versions": {name: version(name) for name in ("keras", backend, "numpy")},
        "python": platform.python_version(),
        "dataset": dataset,
        "data_sha256": data_sha256,
        "library": __version__,
        "utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def precision_of(recorded: Mapping[str, Any]) -> str:
    """Return the precision of a run; records from before it could be chosen are float32.

    Parameters
    ----------
    recorded : mapping
        As `provenance` returns it.

    Returns
    -------
    str
        "float32" or "bfloat16".
    """
    return str(recorded.get("precision", "float32"))


def here() -> dict[str, str]:
    """Return what this process runs on: device, system, and versions of what matters."""
    backend.start()
    import keras

    used = keras.backend.backend()
    packages = ("keras", used, "numpy", "scikit-learn", "imbalanced-learn", "thesis-lib")
    return {
        "Device": _device(used),
        "System": f"{platform.system()}, {platform.machine()}",
        "Python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _device(used: str) -> str:
    """Name what a backend computes on."""
    if used == "jax":
        import jax

        first = jax.devices()[0]
        if first.platform != "cpu":
            return str(first.device_kind)
    if used == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            details = tf.config.experimental.get_device_details(gpu)
            return str(details.get("device_name", "GPU"))
    name = platform.processor() or platform.machine()
    if sys.platform.startswith("linux"):
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
        name = names[0] if names else name
    return f"{name}, {os.cpu_count()} cores"
