"""Numbers of papers: that they are those read there, and what is said about their methods."""

from pathlib import Path

import pybtex.database
import pytest

from thesis_lib import experiments
from thesis_lib.book import literature

PAPERS = Path(__file__).parent.parent / "references.bib"


@pytest.mark.parametrize(
    ("source", "method", "accuracy", "gain"),
    [
        ("Cui2019", "Class-balanced (focal loss)", 74.57, 4.21),
        ("Cao2019", "LDAM-DRW", 77.03, 6.67),
        ("Ren2020", "BALMS", 84.9, 7.5),
        ("Chou2020", "Remix", 75.36, 3.5),
        ("Menon2021", "Logit adjustment post-hoc (best τ)", 80.92, 8.08),
    ],
)
def test_errors_become_accuracies_and_gains(
    source: str, method: str, accuracy: float, gain: float
) -> None:
    """Each paper's own comparison, worked out by hand from its table."""
    found = literature.long_tailed_cifar10().set_index(["Source", "Method"])
    assert found.loc[(source, method), "Accuracy"] == pytest.approx(accuracy)
    assert found.loc[(source, method), "Gain"] == pytest.approx(gain)


@pytest.mark.parametrize(
    ("source", "method", "printed"),
    [
        ("Ren2020", "cRT", "82.0"),
        ("Menon2021", "Logit adjustment post-hoc (τ = 1)", "77.40"),  # 100 - 22.60
        ("Chou2020", "Remix-RW", "75.1"),
    ],
)
def test_an_accuracy_keeps_the_digits_of_its_paper(source: str, method: str, printed: str) -> None:
    found = literature.long_tailed_cifar10().set_index(["Source", "Method"])
    assert found.loc[(source, method), "Printed"] == printed


def test_every_table_has_one_baseline_and_no_method_twice() -> None:
    found = literature.long_tailed_cifar10()
    assert (found["Slug"] == "cross-entropy").groupby(found["Source"]).sum().tolist() == [1] * 5
    assert not found.duplicated(["Source", "Method"]).any()
    assert not found.dropna(subset="Slug").duplicated(["Source", "Slug"]).any()
    assert found["Accuracy"].between(60, 90).all()


def test_sources_and_methods_exist() -> None:
    found = literature.long_tailed_cifar10()
    assert set(found["Source"]) <= set(pybtex.database.parse_file(str(PAPERS)).entries)
    for slug in found["Slug"].dropna():
        assert experiments.get(f"cifar10-lt/{slug}").task == "cifar10-lt"
