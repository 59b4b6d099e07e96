"""The second set of runs: whether other seeds say the same of the published numbers."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.runs import make_run
from thesis_lib import experiments, records
from thesis_lib.book import second_set

# Recalls of class 0 by the binary RUS: seeds 1 to 5, and 6 to 10.
FIRST, SECOND = (0.70, 0.72, 0.74, 0.76, 0.78), (0.80, 0.80, 0.80, 0.80, 0.80)


def keep(recalls: tuple[float, ...], part: str = "", first_seed: int = 1) -> None:
    store = records.Store(experiments.store().folder / part)
    for seed, recall in enumerate(recalls, start=first_seed):
        run = dataclasses.replace(make_run("binary/rus", seed), recall=(recall, 1.0))
        store.append(experiments.to_record(run))


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))


def of_class_0() -> pd.Series:
    found = second_set.rows()
    return found[found["Quantity"] == "0"].iloc[0]


def test_the_second_set_is_judged_as_the_thesis_is() -> None:
    """By hand: mean 74, s = 3.162 points; five others may lie t s sqrt(1/5 + 1/5) from it."""
    reach = stats.t.ppf(0.975, 4) * np.std([70, 72, 74, 76, 78], ddof=1) * (2 / 5) ** 0.5
    assert reach == pytest.approx(5.553, abs=1e-3)
    keep(FIRST)
    keep(SECOND, second_set.STORE, 6)
    row = of_class_0()
    assert (row["First"], row["Second"]) == pytest.approx((74, 80))
    assert row["Varies"]
    assert row["Second by the first"] == "differs"  # 6 points
    assert row["By the second"] == "differs"  # without any spread, whatever is printed
    near = [r - 0.006 for r in SECOND]  # 5.4 points
    second = records.Store(experiments.store().folder / second_set.STORE)
    second.path("binary/rus").unlink()
    keep(tuple(near), second_set.STORE, 6)
    assert of_class_0()["Second by the first"] == "agrees"


def test_each_quantity_counts_once_and_needs_both_sets() -> None:
    keep(FIRST)
    assert second_set.rows().empty
    assert second_set.said(second_set.rows()) == "No second set is recorded."
    keep(SECOND[:2], second_set.STORE, 6)
    assert second_set.rows().empty  # two seeds get no verdict
    keep(SECOND, second_set.STORE, 6)
    found = second_set.rows()
    assert sorted(found["Quantity"]) == ["0", "1", "Testing", "Training"]
    assert found["Model"].nunique() == 1


def test_counts_are_of_what_varies() -> None:
    """Recall of class 0 alone varies between the made-up runs."""
    keep(FIRST)
    keep(SECOND, second_set.STORE, 6)
    found = second_set.rows()
    counts = second_set.summary(found)
    assert counts.loc["all", "Numbers"] == counts.loc["Two classes", "Numbers"] == 1
    assert counts.loc["all", "By chance"] == pytest.approx(0.05)
    assert counts.loc["all", "Our second"] == 1
    assert second_set.changes(found).to_numpy().sum() == 4
    firm = second_set.firm(found)
    verdicts = found[["By the first", "By the second", "By both"]]
    assert len(firm) == (verdicts == "differs").all(axis=1).sum()
    assert "our second five differ from them in 1," in second_set.said(found)


def test_an_empty_second_set_leaves_empty_tables() -> None:
    found = second_set.rows()
    assert second_set.summary(found).loc["all", "Numbers"] == 0
    assert second_set.changes(found).empty
    assert second_set.firm(found).empty
