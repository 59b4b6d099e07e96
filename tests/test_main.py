"""The command line: what it prints, and how it ends on bad input."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_experiments import make_run
from thesis_lib import experiments, sweep
from thesis_lib.__main__ import main


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path / "records"))
    monkeypatch.setenv("THESIS_BUILD", "quick")
    return tmp_path / "records"


def test_list_counts_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    experiments.record(make_run(seed=1))
    experiments.record(make_run(seed=4))
    assert main(["list", "binary/ru*", "binary/msfe"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["binary/rus", "2", "seeds"] in lines
    assert ["binary/msfe", "0", "seeds"] in lines


def test_an_unknown_experiment_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "binary/smot"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("thesis-lib: There is no experiment 'binary/smot'")
    assert "binary/smote" in error


def test_verify_needs_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "binary/rus"]) == 2
    assert "no recorded run" in capsys.readouterr().err


def test_merge_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert main(["merge", str(file)]) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["list", "run", "sweep", "verify", "merge"])
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main([command, "--help"])
    assert exit_info.value.code == 0
    assert f"Example: thesis-lib {command}" in capsys.readouterr().out


def test_a_sweep_trains_base_networks_once() -> None:
    chosen = experiments.select(["binary/baseline", "binary/threshold-moving"])
    assert sweep.missing(chosen, [1, 2]) == [("binary/baseline", 1), ("binary/baseline", 2)]


def test_a_sweep_skips_what_is_recorded() -> None:
    experiments.record(make_run(seed=1))
    assert sweep.missing([experiments.get("binary/rus")], [1, 2]) == [("binary/rus", 2)]


def test_jobs_that_would_outlast_the_budget_are_not_started() -> None:
    jobs = [("binary/mfe", 1), ("binary/rus", 1)]
    sizes = {jobs[0]: 5_000_000, jobs[1]: 2_000}
    assert sweep._next_that_fits(jobs, sizes, 1000.0, 60.0) == 1
    assert sweep._next_that_fits(jobs, sizes, 1000.0, 1.0) is None
    assert sweep._next_that_fits(jobs, sizes, 0.0, 60.0) == 0
    assert sweep._next_that_fits(jobs, sizes, 1000.0, None) == 0


def test_the_command_starts_without_keras() -> None:
    code = "import sys; from thesis_lib.__main__ import _parser; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
