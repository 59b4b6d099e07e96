"""Tables 5.1 and 5.2: real images are compared, and what stands in for them is not."""

import numpy as np
import pytest

from thesis_lib import claims, confidences, data, evidence, replication, sources


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
    assert set(rows["Seeds"]) == {0}
    assert replication.readable(rows)["Ours"].isna().all()
    said = "This build found no MNIST and no pictures of cats and dogs."
    assert confidences.lacking() == said
    assert replication.sources().startswith(f"**{said}**")
    for id in ("anomaly-scale", "anomaly-unseen"):
        assert evidence.of(id) == evidence.Evidence(evidence.OPEN, said)
    assert claims.get("rejected").judge() == evidence.Evidence(evidence.OPEN, said)


def test_pictures_are_compared_where_mnist_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three channels of one cat and one dog, whose scores are set here."""
    scores = np.array([0.18, 0.19, 0.2, 0.9, 0.91, 0.92])
    two = data.Pictures(np.zeros((2, 32, 32, 3), np.uint8), np.array(["cat", "dog"]), "here")
    monkeypatch.setattr(data, "pictures", lambda: two)
    monkeypatch.setattr(confidences, "of_pictures", lambda name: scores)
    rows = confidences.table().set_index(["Table", "Model"])
    assert rows.loc[("5.1", "Cat 2"), ["Recorded", "Verdict"]].tolist() == [0.19, "agrees"]
    assert rows.loc[("5.1", "Dog 1"), ["Recorded", "Verdict"]].tolist() == [0.91, "differs"]
    assert rows.loc[("5.2", "Class 5"), "Verdict"] == "missing"
    assert confidences.lacking() == "This build found no MNIST."
