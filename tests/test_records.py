"""The store of runs: nothing lost, nothing doubled, damage reported with its place."""

import json
import multiprocessing
from pathlib import Path

import pytest

from thesis_lib.records import Record, RecordWarning, Store, problem


def make(name: str = "binary/baseline", seed: int = 1) -> Record:
    return {
        "schema": 1,
        "experiment": {"name": name, "task": "binary", "method": "Baseline", "epochs": 2},
        "seed": seed,
        "train_accuracy": 0.5,
        "test_accuracy": 0.25,
        "recall": [0.0, 0.5],
        "confusion": [[0, 2], [1, 1]],
        "loss_curve": [0.3, 0.2],
        "accuracy_curve": [0.4, 0.5],
        "epochs": 2,
        "diverged": False,
        "seconds": 1.5,
        "provenance": {
            "device": "CPU",
            "backend": "tensorflow",
            "versions": {"keras": "3.1"},
            "utc": "2026-01-01T00:00:00+00:00",
        },
    }


def test_what_is_appended_is_read_in_the_order_of_seeds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert [store.append(make(seed=s)) for s in (3, 1, 2)] == [True] * 3
    assert store.read("binary/baseline") == [make(seed=s) for s in (1, 2, 3)]
    assert store.names() == ["binary/baseline"]


def test_the_same_run_is_not_written_twice(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(make())
    before = store.path("binary/baseline").read_bytes()
    assert not store.append(make() | {"test_accuracy": 0.9})
    assert store.path("binary/baseline").read_bytes() == before


def test_nan_is_written_as_null(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(make() | {"test_accuracy": float("nan")})
    assert store.read("binary/baseline")[0]["test_accuracy"] is None
    assert "NaN" not in store.path("binary/baseline").read_text()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"schema": 1, "seed"', "not a complete JSON line"),
        (b"[1, 2]", "a record is a JSON object, this is a list"),
        (json.dumps(make() | {"schema": 7}).encode(), "schema 7 is not 1"),
        (json.dumps(make() | {"seed": "one"}).encode(), "'seed' has type str"),
        (json.dumps(make() | {"colour": 1}).encode(), r"unknown fields \['colour'\]"),
        (json.dumps(make(seed=9)).replace("0.25", "NaN").encode(), "NaN is not JSON"),
        (json.dumps(make(seed=1)).encode(), "seed 1 is there already"),
        (json.dumps(make("binary/ros", seed=9)).encode(), "run of 'binary/ros' is in the wrong f"),
        (json.dumps(make(seed=-1)).encode(), "'seed' has to lie between 0 and .*, and is -1"),
        (json.dumps(make() | {"seed": True}).encode(), "'seed' has type bool"),
        (json.dumps(make() | {"recall": [1.7, 0.5]}).encode(), "'recall' has to hold a number b"),
        (json.dumps(make() | {"test_accuracy": 1.7}).encode(), "'test_accuracy' has to lie .*1.7"),
        (json.dumps(make() | {"confusion": [[1, 2]]}).encode(), "'confusion' has to have 2 rows"),
        (json.dumps(make() | {"confusion": [[1, -2], [0, 1]]}).encode(), "hold counts from 0"),
        (
            json.dumps(make() | {"confusion": [1, 2]}).encode(),
            "'confusion' has to have 2 rows of 2",
        ),
        (json.dumps(make() | {"loss_curve": [0.1]}).encode(), "'loss_curve' has to .* 2 epochs"),
        (json.dumps(make() | {"loss_curve": [0.1, 10**400]}).encode(), "'loss_curve' has to hold"),
        (
            json.dumps(make() | {"accuracy_curve": ["a", 1]}).encode(),
            "'accuracy_curve' has to hold",
        ),
        (json.dumps(make() | {"seconds": -1}).encode(), "'seconds' is -1"),
        (json.dumps(make()).replace("1.5", "1e999").encode(), "'seconds' is inf"),
        (json.dumps(make() | {"provenance": {}}).encode(), "'provenance': 'device' is missing"),
        (json.dumps(make() | {"experiment": {"name": "binary/baseline"}}).encode(), "has no task"),
        (json.dumps(make()).replace("Baseline", "\\ud800").encode(), "not a complete JSON line"),
        (b"[" * 100_000, "not a complete JSON line"),
        (b"1" * 10_000, "not a complete JSON line"),
        (b"\xff\xfe", "not a complete JSON line"),
    ],
)
def test_a_bad_line_is_reported_and_the_others_are_read(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    store = Store(tmp_path)
    store.append(make(seed=1))
    with open(store.path("binary/baseline"), "ab") as file:
        file.write(line + b"\n")
    store.append(make(seed=2))
    with pytest.warns(RecordWarning, match=rf"baseline\.jsonl, line 2: .*{reason}"):
        assert [r["seed"] for r in store.read("binary/baseline")] == [1, 2]


def test_a_torn_last_line_does_not_swallow_the_next_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(make(seed=1))
    path = store.path("binary/baseline")
    path.write_bytes(path.read_bytes() + b'{"schema": 1, "exp')
    assert store.append(make(seed=2))
    with pytest.warns(RecordWarning, match="line 2"):
        assert [r["seed"] for r in store.read("binary/baseline")] == [1, 2]


def test_merge_adds_what_is_missing(tmp_path: Path) -> None:
    here, there = Store(tmp_path / "a"), Store(tmp_path / "b")
    here.append(make(seed=1))
    there.append(make(seed=1))
    there.append(make(seed=2))
    there.append(make("binary/ros"))
    assert here.merge(there) == 2
    assert here.merge(there) == 0
    assert len(here.read("binary/baseline")) == 2


def test_merge_brings_kept_outputs(tmp_path: Path) -> None:
    here, there = Store(tmp_path / "a"), Store(tmp_path / "b")
    other_training = make(seed=3) | {"test_accuracy": 0.9}
    for store, records in ((here, (make(seed=1), make(seed=3))), (there, (make(), other_training))):
        for record in records:
            store.append(record)
    there.append(make(seed=2))
    for seed in (1, 2, 3):
        there.outputs_path("binary/baseline", seed).write_bytes(bytes([seed]))
    here.outputs_path("binary/baseline", 3).write_bytes(b"ours")
    assert here.merge(there) == 1
    kept = [here.outputs_path("binary/baseline", seed).read_bytes() for seed in (1, 2, 3)]
    # Seed 3 was trained twice: its outputs stay with the record that stays.
    assert kept == [b"\1", b"\2", b"ours"]
    assert here.merge(here) == 0
    assert not list(here.folder.rglob("*.part"))


def test_merge_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="nowhere is no folder"):
        Store(tmp_path).merge(Store(tmp_path / "nowhere"))


def test_another_name_on_pages_is_no_other_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(make())
    record = make()
    record["experiment"] |= {"method": "Plain", "gamma": None}
    assert not store.append(record)
    record["experiment"]["gamma"] = 2.0
    assert store.append(record)


def test_hidden_files_are_no_experiments(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(make())
    (tmp_path / "binary" / ".baseline.jsonl").write_text("{}")
    assert store.names() == ["binary/baseline"]


@pytest.mark.parametrize("name", ["baseline", "a/b/c", "../x", "a/", "/b", "a/.b"])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="task/method"):
        Store(tmp_path).path(name)


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        Store(path)


def test_incomplete_runs_are_refused(tmp_path: Path) -> None:
    record = make()
    del record["confusion"]
    assert problem(record) == "'confusion' is missing"
    with pytest.raises(ValueError, match="'confusion' is missing"):
        Store(tmp_path).append(record)
    assert not list(tmp_path.iterdir())


def _append_many(folder: Path, first: int) -> None:
    store = Store(folder)
    for seed in range(first, first + 40):
        store.append(make(seed=seed))


def test_eight_processes_write_one_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    # Neighbours overlap by half, so every seed is tried by two processes.
    processes = [context.Process(target=_append_many, args=(tmp_path, 20 * n)) for n in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    lines = Store(tmp_path).path("binary/baseline").read_text().splitlines()
    assert sorted(json.loads(line)["seed"] for line in lines) == list(range(180))
