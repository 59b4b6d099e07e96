"""Recorded runs as one table for other programs."""

from pathlib import Path

import pandas as pd
import pytest

from tests.runs import make_run
from thesis_lib import experiments, export

ORIGIN = {
    "device": "CPU, 4 cores",
    "backend": "tensorflow",
    "versions": {"keras": "3.1"},
    "data_sha256": "0" * 64,
    "utc": "2026-01-01T00:00:00+00:00",
}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path / "records"))
    for seed in (1, 2):
        run = make_run(seed=seed)
        run.provenance.update(ORIGIN)
        experiments.record(run)
    return export.frame(experiments.select(["binary/ru*", "binary/msfe"]))


def test_a_row_is_a_run(table: pd.DataFrame) -> None:
    assert list(table["seed"]) == [1, 2]
    assert set(table["name"]) == {"binary/rus"}
    assert set(table["test_accuracy"]) == {0.75}
    assert list(table[["recall_0", "recall_1"]].iloc[0]) == [0.5, 1.0]
    assert set(table["device"]) == {"CPU, 4 cores"}


@pytest.mark.parametrize(
    ("name", "read"), [("runs.csv", pd.read_csv), ("runs.parquet", pd.read_parquet)]
)
def test_what_is_written_is_read_again(
    table: pd.DataFrame, tmp_path: Path, name: str, read: object
) -> None:
    path = tmp_path / name
    export.write(table, path)
    back = read(path)  # type: ignore[operator]
    columns = ["name", "seed", "test_accuracy", "recall_0", "learning_rate", "epochs", "keras"]
    pd.testing.assert_frame_equal(
        back[columns].astype(str), table[columns].astype(str), check_dtype=False
    )


def test_a_record_without_a_checksum_has_an_empty_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    run = make_run(seed=1)
    run.provenance.update({k: v for k, v in ORIGIN.items() if k != "data_sha256"})
    run.provenance.pop("data_sha256", None)
    experiments.record(run)
    found = export.frame([run.experiment])
    assert found["data_sha256"].isna().tolist() == [True]
    assert found["device"].tolist() == ["CPU, 4 cores"]


def test_nothing_recorded_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path / "empty"))
    with pytest.raises(ValueError, match=r"a recorded run\. Train them with thesis-lib sweep, or"):
        export.write(export.frame(experiments.select(["binary/rus"])), tmp_path / "runs.csv")
    assert not (tmp_path / "runs.csv").exists()


def test_another_format_is_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"runs\.xlsx has to end in \.csv or \.parquet"):
        export.write(table, tmp_path / "runs.xlsx")
    assert not (tmp_path / "runs.xlsx").exists()
