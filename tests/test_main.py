"""The command line: what it prints, and how it ends on bad input."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.runs import make_run
from tests.test_export import ORIGIN
from thesis_lib import backend, experiments
from thesis_lib.__main__ import main
from thesis_lib.book import published
from thesis_lib.commands import _EXAMPLES
from thesis_lib.engine import sweep


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


def test_a_name_is_looked_up_before_keras_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "start", lambda: pytest.fail("loaded"))
    assert main(["run", "binary/smot"]) == 2
    assert main(["verify", "binary/smot"]) == 2


def test_seeds_with_commas(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["sweep", "binary/rus", "--seeds", "1,2,3"])
    assert exit_info.value.code == 2
    assert "argument --seeds: separate them by spaces: 1 2 3" in capsys.readouterr().err


def test_verify_needs_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "binary/rus"]) == 2
    assert "no recorded run" in capsys.readouterr().err


def test_merge_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert main(["merge", str(file)]) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize("command", list(_EXAMPLES))
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main([command, "--help"])
    assert exit_info.value.code == 0
    shown = capsys.readouterr().out
    assert f"Example: thesis-lib {command}" in shown
    # What an argument is stands beside its name, or on the next line where the name is long.
    assert re.findall(r"^  \S+(?: \S+)*\n(?! {20})", shown, re.MULTILINE) == []


def test_the_program_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for option, said in (("--version", "thesis-lib "), ("--help", "Train, record and check")):
        with pytest.raises(SystemExit) as exit_info:
            main([option])
        assert exit_info.value.code == 0
        assert said in capsys.readouterr().out


def test_an_installation_keeps_records_in_the_current_folder(tmp_path: Path) -> None:
    """A checkout keeps its own, wherever it is called from."""
    root = Path(experiments.__file__).parent.parent
    installed = tmp_path / "site-packages"
    shutil.copytree(
        root / "thesis_lib", installed / "thesis_lib", ignore=shutil.ignore_patterns("__pycache__")
    )
    code = "from thesis_lib import experiments; print(experiments.store().folder.resolve())"
    environment = {k: v for k, v in os.environ.items() if k != "THESIS_LIB_RECORDS"}
    for library, expected in ((installed, tmp_path / "records"), (root, root / "records")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(library)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == str(expected.resolve())


def test_compare_shows_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (1, 2, 3):
        experiments.record(make_run(seed=seed))
    assert main(["compare", "8.4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    testing = next(line for line in lines if "M_us2 " in line and "Testing" in line)
    published_number = published.table("8.4").loc["M_us2", "Testing"]
    assert testing.split()[:4] == ["8.4", "M_us2", "Testing", f"{published_number:.2f}"]
    assert "75.00" in testing
    assert "differs" in testing


@pytest.mark.parametrize(
    ("name", "nearest"), [("7.44", "7.4, "), ("9.1", ".1, "), ("nonsense", "7.1, 8.14.")]
)
def test_compare_names_the_nearest_tables(
    name: str, nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", name]) == 2
    error = capsys.readouterr().err
    assert f"No table '{name}' can be compared; the nearest are " in error
    assert nearest in error
    assert error.count(",") <= 2


@pytest.mark.parametrize("name", ["5.1", "5.2"])
def test_compare_says_where_outputs_for_pictures_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", name]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"thesis-lib: Table {name} holds outputs for single pictures")
    assert "The chapter on anomaly detection" in error


@pytest.mark.parametrize("found", [True, False, None])
def test_a_gpu_that_is_not_there_is_told(
    found: bool | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """None: JAX is not installed."""
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    swept: list[str] = []

    def has_gpu() -> bool:
        swept.append(os.environ["KERAS_BACKEND"])
        if found is None:
            raise ImportError
        return found

    def train(jobs: object, *, precision: str) -> sweep.Progress[sweep.Job]:
        swept.append(precision)
        return sweep.Progress([], [], {}, 0, 1.0)

    monkeypatch.setattr(experiments, "has_gpu", has_gpu)
    monkeypatch.setattr(sweep, "run_side_by_side", train)
    assert main(["sweep", "binary/rus", "--device", "gpu"]) == (0 if found else 2)
    assert swept == ["jax", *["float32"] * bool(found)]
    error = capsys.readouterr().err
    assert error.startswith("" if found else "thesis-lib: --device gpu needs a GPU and JAX for it")
    assert error.count("\n") == (0 if found else 1)


def test_a_bad_pattern_names_the_nearest_whatever_its_letters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "BINARY/*"]) == 2
    error = capsys.readouterr().err
    assert "The nearest are binary/" in error
    assert "'thesis' selects all of the thesis" in error


def test_export_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(seed=1)
    run.provenance.update(ORIGIN)
    experiments.record(run)
    assert main(["export", str(tmp_path / "runs.csv"), "binary/*"]) == 0
    assert capsys.readouterr().out == f"1 run written to {tmp_path / 'runs.csv'}.\n"
    assert main(["export", str(tmp_path / "runs.txt")]) == 2
    assert "has to end in .csv or .parquet" in capsys.readouterr().err


def test_a_command_loads_nothing_it_does_not_use() -> None:
    """What trains and tests loads for seconds; a list is there before."""
    code = (
        "import sys; from thesis_lib.__main__ import main; main(['list', 'binary/rus']);"
        "print({'keras', 'tensorflow', 'jax', 'sklearn', 'scipy.stats', 'matplotlib'}"
        " & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == ["set()"]


@pytest.mark.parametrize("module", ["numpy", "pandas", "thesis_lib.training"])
def test_an_interrupt_while_modules_are_imported_is_no_traceback(module: str) -> None:
    """Ctrl-C comes as this module is looked for."""
    code = f"""
    import os, signal, sys
    from thesis_lib.__main__ import main

    class Interrupted:
        def find_spec(name, *_):
            if name == {module!r}:
                os.kill(os.getpid(), signal.SIGINT)

    sys.meta_path.insert(0, Interrupted)
    sys.exit(main(["list"]))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "thesis-lib: interrupted.\n"


def test_the_entry_point_imports_nothing_large() -> None:
    code = (
        "import sys, thesis_lib.__main__;"
        "print({m.split('.')[0] for m in sys.modules} & {'numpy', 'pandas', 'keras', 'argparse'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_keras_starts_where_there_is_no_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    backend.start()
    assert "keras" in sys.modules
