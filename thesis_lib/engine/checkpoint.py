"""Keep the state of runs that train side by side, so that a stopped group goes on from there."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import durable

State = dict[str, Any]

_LISTS = ("weights", "noise")
_CURVES = ("loss", "accuracy")


def save(path: Path, identity: str, state: State) -> None:
    """Write a state, whole or not at all.

    Parameters
    ----------
    path : Path
        Of an ``.npz`` file.
    identity : str
        Says what the state belongs to.
    state : dict
        "epoch" (int), "loss" and "accuracy" (epochs, runs), and the lists of arrays "weights" and
        "noise" (runs, ...).

    Raises
    ------
    OSError
        If it cannot be written.
    """
    arrays = {f"{kind}{i}": a for kind in _LISTS for i, a in enumerate(state[kind])}
    arrays |= {kind: state[kind] for kind in ("epoch", *_CURVES)}
    with durable.replacing(path) as file:
        np.savez(file, identity=identity, **arrays)


def load(path: Path, identity: str) -> State | None:
    """Read a state; None if there is none, it is damaged, or it belongs to something else.

    Parameters
    ----------
    path : Path
    identity : str
        As it was saved with.

    Warns
    -----
    UserWarning
        If the file is damaged.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["identity"]) != identity:
                return None
            lists = {kind: _numbered(file, kind) for kind in _LISTS}
            curves = {kind: file[kind] for kind in _CURVES}
            return {**lists, **curves, "epoch": int(file["epoch"])}
    except Exception as error:  # zipfile, zlib and NumPy have each an error of their own
        warnings.warn(f"{path} is damaged ({error}); training starts afresh.", stacklevel=4)
        return None


def _numbered(file: Any, kind: str) -> list[NDArray[Any]]:
    return [file[f"{kind}{i}"] for i in range(sum(k.startswith(kind) for k in file.files))]
