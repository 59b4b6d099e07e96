"""Tables 5.1 and 5.2: real images are compared, and what stands in for them is not."""

import dataclasses

import numpy as np
import pytest

from thesis_lib import data, sources
from thesis_lib.book import claims, confidences, evidence, findings, replication


@pytest.fixture(autouse=True)
def without_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = data.load("digits")
    monkeypatch.setattr(data, "load", lambda *a, **k: digits)


def test_no_stand_in_gets_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    photographs = data.Pictures(*sources.photographs())
    monkeypatch.setattr(data, "pictures", lambda: photographs)
    rows = confidences.table()
    assert rows["Verdict"].tolist() == ["missing"] * 38
    assert rows[["Recorded", "Low", "High"]].isna().all(axis=None)
    assert set(rows["Scores"]) == {0}
    assert confidences.summary(rows)["missing"].sum() == 38
    assert confidences.of_unseen() == "This build found no MNIST."
    assert replication.readable(rows)["Ours"].isna().all()
    said = "This build found no MNIST and no pictures of cats and dogs."
    assert confidences.lacking() == said
    assert replication.sources().startswith(f"**{said}**")
    # The printed dogs need no image of ours.
    assert evidence.of("anomaly-dogs").status == evidence.CONFIRMED
    assert evidence.of("anomaly-dogs").measured.endswith(said)
    for id in ("anomaly-scale", "anomaly-unseen"):
        assert evidence.of(id) == evidence.Evidence(evidence.OPEN, said)
    assert claims.get("rejected").judge() == evidence.Evidence(evidence.OPEN, said)


def test_scores_cannot_be_changed_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsure:
        def predict(self, images: np.ndarray, **_: object) -> np.ndarray:
            return np.full((len(images), 10), 0.1)

    monkeypatch.setattr(confidences, "_network", lambda classifier: Unsure())
    scores = confidences.of_digits("unsure", 3)
    assert set(scores) == {0.1}
    with pytest.raises(ValueError, match="read-only"):
        scores[0] = 1


def test_pictures_are_compared_where_mnist_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three channels of one cat and one dog, whose scores are set here."""
    scores = np.array([0.18, 0.19, 0.2, 0.9, 0.91, 0.92])
    two = data.Pictures(np.zeros((2, 32, 32, 3), np.uint8), np.array(["cat", "dog"]), "here")
    monkeypatch.setattr(data, "pictures", lambda: two)
    monkeypatch.setattr(confidences, "of_pictures", lambda name: scores)
    rows = confidences.table().set_index(["Table", "Model"])
    assert rows.loc[("5.1", "Cat 2"), ["Recorded", "Verdict"]].tolist() == [0.19, "usual"]
    assert rows.loc[("5.1", "Dog 1"), ["Recorded", "Verdict"]].tolist() == [0.91, "unusual"]
    assert rows.loc[("5.2", "Class 5"), "Verdict"] == "missing"
    # Nine cats and nine dogs of 5.1 beside three scores each: only these are among them, or not.
    counts = confidences.summary(confidences.table())
    assert counts.loc[("5.1", "cat")].tolist() == [9, 1, 8, 0]
    assert counts.loc[("5.2", "dog"), "unusual"] + counts.loc[("5.2", "dog"), "usual"] == 9
    assert counts.loc[("5.2", "class"), "missing"] == 2
    assert confidences.lacking() == "This build found no MNIST."


def test_scores_of_pictures_are_no_verdicts_on_means(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have words and a count of their own, and the other totals leave them out."""
    scores = np.array([0.18, 0.19, 0.2, 0.9, 0.91, 0.92])
    two = data.Pictures(np.zeros((2, 32, 32, 3), np.uint8), np.array(["cat", "dog"]), "here")
    monkeypatch.setattr(data, "pictures", lambda: two)
    monkeypatch.setattr(confidences, "of_pictures", lambda name: scores)
    rows = replication.rows()
    assert set(rows.loc[rows["Quantity"] == "Confidence", "Verdict"]) == {
        "usual",
        "unusual",
        "missing",
    }
    assert findings.summary(rows).loc["all", "numbers"] == len(rows) - 38
    shown = replication.readable(rows[rows["Table"] == "5.1"])
    assert set(shown["n"]) == {3}


@pytest.mark.parametrize(
    ("scores", "status"), [([0.9] * 19 + [0.8], "refuted"), ([0.9, 0.1], "confirmed")]
)
def test_unseen_digits_are_rejected_or_not(
    scores: list[float], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confidences, "lacking", lambda: "")
    monkeypatch.setattr(confidences, "of_digits", lambda name, digit: np.array(scores))
    assert evidence.of("anomaly-unseen").status == status


def test_the_numbers_of_unseen_digits_are_held_against_both_scales(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = {1.0: np.linspace(0.5, 0.9985, 100), 255.0: np.linspace(0.9990, 1, 100)}
    monkeypatch.setattr(confidences, "of_digits", lambda name, digit, factor: scores[factor])
    real = data.load("digits")
    monkeypatch.setattr(data, "load", lambda *a, **k: dataclasses.replace(real, name="mnist"))
    said = confidences.of_unseen().split("; ")
    # Printed are 0.9987 and 0.9993.
    assert [part.split(" is ")[1].split()[0] for part in said] == [
        "unusual",
        "unusual",
        "unusual",
        "usual",
    ]
