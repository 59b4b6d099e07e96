"""Classifiers trained on until they know their training images."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from thesis_lib import anomaly, data
from thesis_lib.book import retrained

PICTURES = data.pictures()
DIGITS = data.load("digits")
DIGITS = dataclasses.replace(
    DIGITS,
    x_test=DIGITS.x_test[:100],
    y_test=DIGITS.y_test[:100],
)
N_PICTURES = 20


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    few = dataclasses.replace(PICTURES, images=PICTURES.images[:N_PICTURES])
    monkeypatch.setattr(retrained.data, "load", lambda name: DIGITS)
    monkeypatch.setattr(retrained.data, "pictures", lambda: few)


def test_training_goes_on_until_the_accuracy_and_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = retrained.train(1, accuracy=0.8)
    assert 80 <= whole["percent"]["Training"] < 100
    assert whole["epochs"] > 1
    monkeypatch.setattr(retrained, "_MOST_EPOCHS", whole["epochs"] - 1)
    before = retrained.train(1, accuracy=0.8)
    assert before["epochs"] == whole["epochs"] - 1
    assert before["percent"]["Training"] < 80


def test_shares_are_those_of_the_confidences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = {}

    def spied(outputs: np.ndarray) -> np.ndarray:
        seen[len(outputs)] = outputs.max(1)
        return outputs.max(1)

    monkeypatch.setattr(anomaly, "confidence", spied)
    percent = retrained.train(1, accuracy=0.8)["percent"]
    for kind, n in {"Pictures": 3 * N_PICTURES, "Digits": len(DIGITS.x_test)}.items():
        for cut in (0.6, 0.8):
            expected = 100 * np.count_nonzero(seen[n] > cut) / n
            assert percent[f"{kind} over {cut}"] == pytest.approx(expected, abs=1e-4)


def test_a_row_a_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrained, "FILE", tmp_path / "retrained.json")
    assert retrained.table().empty
    assert retrained.said("Test") == "not measured yet"
    rows = [
        {"seed": seed, "epochs": 3, "percent": {"Training": 99.99, "Pictures over 0.6": 5.0 + seed}}
        for seed in (1, 2)
    ]
    retrained.FILE.write_text(json.dumps(rows))
    assert retrained.table()["Pictures over 0.6"].to_dict() == {1: 6.0, 2: 7.0}
    # t of one degree of freedom, 12.706, times 0.5, the error of the mean: from 0.1 to 12.9.
    assert retrained.said("Pictures over 0.6") == "6.5 ± 6.4 % (2 networks)"
    retrained.FILE.write_text(json.dumps(rows[:1]))
    assert retrained.said("Pictures over 0.6") == "6.0 % (1 network)"


def test_the_accuracy_is_a_share() -> None:
    with pytest.raises(ValueError, match=r"accuracy has to lie in \(0, 1\); got 99.98"):
        retrained.train(1, accuracy=99.98)
