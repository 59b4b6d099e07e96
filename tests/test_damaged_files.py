"""Damaged outputs, weights and published numbers: the error names the file and what to do."""

import dataclasses
import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.runs import make_run
from thesis_lib import experiments
from thesis_lib.book import classifier, published

SOUND = np.full((4, 2), 0.5, np.float16)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Record a run of four test images; return the file of its outputs."""
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    run = dataclasses.replace(make_run(), probabilities=SOUND)
    experiments._keep_outputs(run)
    experiments.record(run)
    return tmp_path / "binary" / "rus.seed-1.npy"


@pytest.mark.parametrize("twentieth", range(20))
def test_truncated_outputs(kept: Path, twentieth: int) -> None:
    content = kept.read_bytes()
    kept.write_bytes(content[: twentieth * len(content) // 20])
    with pytest.raises(ValueError, match=r"rus\.seed-1\.npy is damaged or no \.npy file .*restore"):
        experiments.outputs("binary/rus", 1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (SOUND[:3], r"has shape \(3, 2\), its record \(4, 2\)"),
        (SOUND.T, r"has shape \(2, 4\), its record \(4, 2\)"),
        (SOUND.ravel(), "has to hold one row of numbers an image"),
        (SOUND.astype("U3"), "has to hold one row of numbers an image"),
        (np.array([[print]], dtype=object), "is damaged"),
    ],
)
def test_wrong_outputs(kept: Path, array: np.ndarray, message: str) -> None:
    np.save(kept, array)
    with pytest.raises(ValueError, match=rf"rus\.seed-1\.npy {message}"):
        experiments.outputs("binary/rus", 1)


def test_an_archive_instead_of_outputs(kept: Path) -> None:
    file = io.BytesIO()
    np.savez(file, SOUND)
    kept.write_bytes(file.getvalue())
    with pytest.raises(ValueError, match="has to hold one row"):
        experiments.outputs("binary/rus", 1)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_damaged_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, damage: str
) -> None:
    content = bytearray((classifier.WEIGHTS / "handwriting.weights.h5").read_bytes())
    place = int(share * len(content))
    if damage == "truncated":
        del content[place:]
    else:
        content[place] ^= 1
    (tmp_path / "handwriting.weights.h5").write_bytes(content)
    shutil.copy(classifier.WEIGHTS / "handwriting.json", tmp_path)
    monkeypatch.setattr(classifier, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match=r"handwriting\.weights\.h5 is damaged .*restore it"):
        classifier.load()


TABLE = """\
- id: "7.1"
  section: "7.1"
  caption: Accuracy
  unit: percent
  columns: [Training, Testing]
  rows:
    M_b: [99.1, 98.2]
"""


def test_the_sound_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "numbers.yml"
    path.write_text(TABLE)
    assert list(published.read(path)) == ["7.1"]


# "Billion laughs": nine lists, each of nine times the one before.
BOMB = "- &l0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"- &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TABLE + TABLE, "line 8, column 3: table 7.1 is there already"),
        (TABLE.replace("98.2]", "98.2, 1]"), "line 7, column 10: row 'M_b' has 3 numbers for 2"),
        (TABLE.replace("98.2", "100.1"), "line 7, column 17: a number from 0 to 100 is needed"),
        (TABLE.replace("98.2", "-1"), "line 7, column 17: a number from 0 to 100"),
        (TABLE.replace("98.2", ".nan"), "line 7, column 17: a number from 0 to 100"),
        (TABLE.replace("98.2]", "98.2"), "line 8, column 1: expected ',' or ']'"),
        (TABLE + "\tx: 1", "line 8, column 1: "),
        (BOMB, "line 1, column 3: names with values are needed"),
        (TABLE.replace("[99.1, 98.2]", "&a [*a, *a]"), "line 7, column 10: a text is needed"),
        (TABLE.replace("98.2", "!!python/name:os.system x"), "line 7, column 17: a number from"),
        ("- " * 5000 + "x", "lists are nested too deeply"),
        (TABLE.replace("Accuracy", "\x00"), "unacceptable character #x0000"),
        (b"\xff\xfe\xff", ""),
        (TABLE.encode() + b"# \xff", "can't decode byte 0xff"),
    ],
)
def test_wrong_published_numbers(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "numbers.yml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(published.PublishedError) as caught:
        published.read(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
