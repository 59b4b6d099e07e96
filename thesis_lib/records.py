"""The store of runs: one JSON line a run, appended under a lock, flushed to disk, never edited."""

from __future__ import annotations

import fcntl
import json
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = 1

Record = dict[str, Any]

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "schema": int,
    "experiment": dict,
    "seed": int,
    "train_accuracy": (int, float, type(None)),
    "test_accuracy": (int, float, type(None)),
    "recall": list,
    "confusion": list,
    "loss_curve": list,
    "accuracy_curve": list,
    "epochs": int,
    "diverged": bool,
    "seconds": (int, float),
    "provenance": dict,
}


class RecordWarning(UserWarning):
    """A line of the store could not be read; the others were."""


class Store:
    """Runs on disk, in ``folder/<task>/<method>.jsonl``.

    Parameters
    ----------
    folder : str or Path
        Made when the first run is appended.

    Raises
    ------
    NotADirectoryError
        If the path is a file.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder} is a file; the store needs a folder.")

    def path(self, name: str) -> Path:
        """Return the file of the experiment ``task/method``."""
        parts = name.split("/")
        if len(parts) != 2 or any(not p or p.startswith(".") for p in parts):
            raise ValueError(f"An experiment's name is task/method; got {name!r}.")
        return self.folder / parts[0] / f"{parts[1]}.jsonl"

    def append(self, record: Record) -> bool:
        """Append one run, unless the same experiment and seed are there.

        Returns
        -------
        bool
            Whether the run was written. When True is returned, the line is on the disk.
        """
        reason = problem(record)
        if reason:
            raise ValueError(f"This run cannot be recorded: {reason}.")
        path = self.path(record["experiment"]["name"])
        line = json.dumps(_without_nan(record), allow_nan=False, separators=(",", ":"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path) as file:
            if any(same_run(record, old) for _, old, bad in _lines(file.read()) if not bad):
                return False
            # A torn last line (a process was killed while writing) must not swallow this one.
            file.seek(0, os.SEEK_END)
            torn = file.tell() > 0 and not _ends_with_newline(file)
            file.write((b"\n" if torn else b"") + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return True

    def read(self, name: str) -> list[Record]:
        """Return the readable runs of an experiment in the order of their seeds.

        Unreadable lines are reported as a :class:`RecordWarning` with file and line number.
        """
        path = self.path(name)
        if not path.exists():
            return []
        records: list[Record] = []
        for number, record, bad in _lines(path.read_bytes()):
            if bad:
                warnings.warn(f"{path}, line {number}: {bad}.", RecordWarning, stacklevel=2)
            elif any(same_run(record, old) for old in records):
                warnings.warn(
                    f"{path}, line {number}: seed {record['seed']} is there already.",
                    RecordWarning,
                    stacklevel=2,
                )
            else:
                records.append(record)
        return sorted(records, key=lambda record: int(record["seed"]))

    def names(self) -> list[str]:
        """Return the names of all experiments that have a file."""
        return sorted(f"{p.parent.name}/{p.stem}" for p in self.folder.glob("*/*.jsonl"))

    def merge(self, other: Store) -> int:
        """Append the other store's runs that are missing here; return how many."""
        return sum(self.append(record) for name in other.names() for record in other.read(name))


def problem(record: Any) -> str:
    """Say in a few words what keeps a decoded line from being a record; "" if nothing does."""
    if not isinstance(record, dict):
        return f"a record is a JSON object, this is a {type(record).__name__}"
    if record.get("schema") != SCHEMA:
        return f"schema {record.get('schema')!r} is not {SCHEMA}, the one this version reads"
    for key, kind in _FIELDS.items():
        if key not in record:
            return f"{key!r} is missing"
        if not isinstance(record[key], kind):
            return f"{key!r} has type {type(record[key]).__name__}"
    unknown = set(record) - set(_FIELDS)
    if unknown:
        return f"unknown fields {sorted(unknown)}"
    if not isinstance(record["experiment"].get("name"), str):
        return "'experiment' has no name"
    return ""


def same_run(one: Record, other: Record) -> bool:
    """Whether two records stand for the same experiment, hyperparameters and seed."""
    return (one["experiment"], one["seed"]) == (other["experiment"], other["seed"])


def _lines(content: bytes) -> Iterator[tuple[int, Record, str]]:
    """Yield line number, record and what is wrong with the line ("" if nothing)."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            yield number, {}, f"not a complete JSON line ({error})"
            continue
        yield number, record, problem(record)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _without_nan(value: Any) -> Any:
    """Write NaN and infinity as null: JSON has neither."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value


def _ends_with_newline(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


@contextmanager
def _locked(path: Path) -> Iterator[Any]:
    """Open a file for reading and appending while no other process writes to it."""
    with open(path, "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            file.seek(0)
            yield file
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
