"""Tuning on validation images: the test set and its copies stay out of it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from thesis_lib import data, experiments, later, training, tuning
from thesis_lib.book import studies
from thesis_lib.training import Experiment


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tuning, "FILE", tmp_path / "tuned.yml")
    tuning.tuned.cache_clear()
    experiments.every.cache_clear()
    yield tmp_path / "tuned.yml"
    tuning.tuned.cache_clear()
    experiments.every.cache_clear()


def member(slug: str) -> Experiment:
    return later.study("digits", [0], [slug])[0]


def test_every_method_has_the_same_budget() -> None:
    for slug in later.STUDY_METHODS:
        tried = tuning.grid(member(slug))
        assert len(tried) == 8
        assert {e.epochs for e in tried} == {member(slug).epochs, round(member(slug).epochs / 2)}


def test_the_best_mean_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(e: Experiment, **options: object) -> list[float]:
        return [0.2, 0.8] if (e.learning_rate, e.epochs) in ((0.1, 25), (0.2, 50)) else [0.4, 0.3]

    monkeypatch.setattr(tuning, "validated", measured)
    best, table = tuning.tune(member("cross-entropy"))
    assert (best.learning_rate, best.epochs) == (0.1, 25)
    assert table["Balanced accuracy"].max() == pytest.approx(50)
    assert len(table) == 8


def test_no_copy_of_a_validation_image_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[bytes]] = []
    tested: list[set[bytes]] = []

    class Network:
        def predict(self, x: np.ndarray, **_: object) -> np.ndarray:
            tested.append(set(map(bytes, x)))
            return np.full((len(x), 10), 0.1)

    def fitted(e: object, seed: int, subset: data.Dataset, images: tuple, *_: object) -> object:
        seen.append(set(map(bytes, data.to_unit(images[0]))))
        assert np.bincount(images[1]).tolist() == [96] * 10  # of 120, a fifth is held out
        assert np.bincount(subset.y_train)[0] == 2
        return type("Fitted", (), {"network": Network()})

    monkeypatch.setattr(training, "train_network", fitted)
    digits = data.load("digits-8x8")
    scores = tuning.validated(member("ros"), splits=(1, 2), dataset=digits)
    assert scores == pytest.approx([0.1, 0.1])
    for trained, out in zip(seen, tested, strict=True):
        assert not trained & out
        assert not out & set(map(bytes, data.to_unit(digits.x_test)))
    assert tested[0] != tested[1]


def test_a_small_training_is_measured() -> None:
    short = dataclasses.replace(member("ros"), epochs=6)
    (score,) = tuning.validated(short, splits=(1,))
    assert 0.3 < score <= 1


def test_chosen_settings_make_a_study(
    settings_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    assert tuning.study("digits") == []
    chosen = {"ros": 0.2, "cross-entropy": 0.02}

    def tuned(e: Experiment) -> tuple[Experiment, object]:
        slug = e.name.split("/")[1].rsplit("-", 1)[0]
        return dataclasses.replace(
            e, learning_rate=chosen.get(slug, 0.3), epochs=9
        ), tuning.pd.DataFrame()

    monkeypatch.setattr(tuning, "tune", tuned)
    tuning.main("digits")
    names = [e.name for e in tuning.study("digits", [7])]
    slugs = (*later.STUDY_METHODS, "prior-correction")
    assert set(names) == {f"digits-tuned-draws/{slug}-07" for slug in slugs}
    for name in names:
        e = experiments.get(name)
        slug = (e.base or name).split("/")[1].removesuffix("-07")
        rate = chosen.get(slug, 0.3)
        assert (e.learning_rate, e.epochs, e.draw, e.task) == (rate, 9, 7, "digits")
    derived = experiments.get("digits-tuned-draws/prior-correction-07")
    assert derived.base == "digits-tuned-draws/cross-entropy-07"
    assert studies.scores("digits", kind="tuned").empty
