"""Two thousand damaged files: each is read, or refused with its name and place; none is run."""

import copy
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.test_records import make
from thesis_lib import data, experiments
from thesis_lib.records import Record, RecordWarning, Store

NAME = "binary/baseline"


def fuzz(n_cases: int) -> settings:
    """Settings of a test that runs so many cases, the same each time."""
    return settings(
        max_examples=n_cases,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def edited(content: bytes, edits: list[tuple[str, int, int]]) -> bytes:
    """Apply edits to a content: a byte flipped, a piece cut out, doubled, or the end cut off."""
    found = bytearray(content)
    for kind, position, value in edits:
        at = position % max(len(found), 1)
        if kind == "flip" and found:
            found[at] ^= value or 1
        elif kind == "cut":
            del found[at : at + value]
        elif kind == "double":
            found[at:at] = found[at : at + value]
        elif kind == "end":
            del found[at:]
    return bytes(found)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "flip", "cut", "double", "end"]),
        st.integers(0, 2**16),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def read_between_good_lines(folder: Path, middle: bytes) -> list[Record]:
    """Read a file whose first and last lines are sound, and check what is said of the others."""
    store = Store(folder)
    first, last = (json.dumps(make(seed=seed)).encode() for seed in (1001, 1002))
    path = store.path(NAME)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(first + b"\n" + middle + b"\n" + last + b"\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        records = store.read(NAME)
    assert {1001, 1002} <= {record["seed"] for record in records}
    lines = [line for line in middle.split(b"\n") if line.strip()]
    assert len(caught) + len(records) == 2 + len(lines)
    for warning in caught:
        assert warning.category is RecordWarning
        assert str(warning.message).startswith(f"{path}, line ")
    for record in records:
        run = experiments._from_record(record)
        assert len(run.loss_curve) == run.epochs
        assert json.loads(json.dumps(record, allow_nan=False)) == record
    return records


@fuzz(600)
@given(edits=EDITS)
def test_edited_records(folder: Path, edits: list[tuple[str, int, int]]) -> None:
    line = json.dumps(make(seed=5)).encode()
    read_between_good_lines(folder, edited(line + b"\n" + line.replace(b"5,", b"6,"), edits))


@fuzz(200)
@given(line=st.binary(max_size=200))
def test_bytes_in_a_file_of_records(folder: Path, line: bytes) -> None:
    read_between_good_lines(folder, line)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([-1, 0, 1, 2, 1.7, 10**400, 1e308, "binary/rus", "\ud800", "<script>"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
PLACES = [
    *((key,) for key in make()),
    *(("experiment", key) for key in ("name", "task", "method", "epochs", "gamma")),
    *(("provenance", key) for key in make()["provenance"]),
    ("provenance", "versions", "keras"),
    *((key, 0) for key in ("recall", "confusion", "loss_curve", "accuracy_curve")),
    ("confusion", 1, 0),
    ("colour",),
]


@fuzz(600)
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_other_values_in_a_record(folder: Path, place: tuple[Any, ...], value: Any) -> None:
    record: Any = copy.deepcopy(make(seed=5))
    inner = record
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    read_between_good_lines(folder, json.dumps(record).encode())


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


class Payload:
    """What a pickle of this creates a file with, if anything unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def images(*, payload: Payload | None = None) -> bytes:
    cats = np.array([payload], dtype=object) if payload else np.arange(48, dtype=np.uint8)
    return npz(
        cats=cats if payload else cats.reshape(1, 4, 4, 3), dogs=np.zeros((2, 4, 4, 3), np.uint8)
    )


@fuzz(600)
@given(edits=EDITS, pickled=st.booleans())
def test_edited_images(folder: Path, edits: list[tuple[str, int, int]], pickled: bool) -> None:
    created = folder / "created"
    path = folder / "cats_dogs.npz"
    path.write_bytes(edited(images(payload=Payload(created) if pickled else None), edits))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THESIS_LIB_DATA", str(folder))
        try:
            found = data.pictures().images
        except ValueError as error:
            refusal = str(error)
        else:
            refusal = str(path)
            # Only bytes that no reader looks at were changed: the checksums of ZIP see the others.
            assert not pickled
            np.testing.assert_array_equal(found[0].ravel(), np.arange(48))
    assert refusal.startswith(str(path))
    assert not created.exists()


def test_the_payload_would_act(folder: Path) -> None:
    created = folder / "by-hand"
    file = io.BytesIO(images(payload=Payload(created)))
    np.load(file, allow_pickle=True)["cats"]
    assert created.exists()
