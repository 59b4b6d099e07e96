"""What is said of a recorded run that was trained again."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.runs import make_run
from thesis_lib import experiments
from thesis_lib.__main__ import main
from thesis_lib.engine import verification
from thesis_lib.training import Experiment, Run


def run(accuracy: float, seed: int = 1, images: str = "a", diverged: bool = False) -> Run:
    found = make_run(seed=seed)
    origin = {**found.provenance, "data_sha256": images}
    return dataclasses.replace(found, test_accuracy=accuracy, provenance=origin, diverged=diverged)


# Mean 72 %, deviation 1.58 points, t of 4 degrees of freedom 2.776: 72 ± 4.81.
FIVE = [run(a, seed) for seed, a in enumerate((0.70, 0.74, 0.72, 0.71, 0.73), 1)]
EXPECTED = "between 67.19% and 76.81%, where the 5 recorded ones lead one to expect it."
INSIDE, OUTSIDE = f"It lies {EXPECTED}", f"It does not lie {EXPECTED}"
SAME = "Its images are those of the recorded run of seed 1."


@pytest.mark.parametrize(
    ("again", "recorded", "passed", "lines"),
    [
        (
            run(0.75),
            FIVE,
            True,
            [INSIDE, SAME],
        ),
        (
            run(0.66),
            FIVE,
            False,
            [OUTSIDE, SAME],
        ),
        (
            run(0.75, images="b"),
            FIVE,
            False,
            [
                INSIDE,
                "Its images are not those of the recorded run of seed 1.",
            ],
        ),
        (
            run(0.75, seed=6),
            FIVE,
            True,
            [INSIDE],
        ),
        (
            run(0.75),
            [run(0.70, images=""), *FIVE[1:]],  # a record that does not say which images
            True,
            [INSIDE],
        ),
        (
            run(0.75),
            [run(0.7)],
            False,
            [
                "A single recorded run has no spread to judge by; this one differs from it by "
                "+5.00 points.",
                SAME,
            ],
        ),
        (
            run(float("nan"), diverged=True),
            [run(0.7)],
            False,
            ["Recorded runs that did not diverge: 1.", SAME],
        ),
        (
            run(float("nan"), diverged=True),
            [run(float("nan"), diverged=True)],
            True,
            ["Recorded runs that did not diverge: 0.", SAME],
        ),
    ],
)
def test_a_run_beside_the_recorded_ones(
    again: Run, recorded: Sequence[Run], passed: bool, lines: list[str]
) -> None:
    found = verification.compared(again, recorded)
    assert found.lines() == lines
    assert found.passed is passed


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, object]]:
    """Give an empty store, and a list of the seeds and precisions that are trained."""
    asked: list[tuple[int, object]] = []

    def train(experiment: Experiment, seed: int, **options: object) -> dict[str, Run]:
        asked.append((seed, options["precision"]))
        return {experiment.name: run(0.7, seed, images="b")}

    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    monkeypatch.setattr(experiments, "train_family", train)
    return asked


def test_the_command_trains_the_run_again(
    trained: list[tuple[int, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    experiments.record(run(0.72))
    assert main(["verify", "binary/rus"]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "A single recorded run has no spread to judge by; this one differs from it by -2.00 "
        "points.",
        "Its images are not those of the recorded run of seed 1.",
    ]


def test_a_run_is_trained_in_the_precision_of_its_record(
    trained: list[tuple[int, object]],
) -> None:
    experiments.record(run(0.72, seed=1))
    half = run(0.72, seed=2)
    half.provenance.update(precision="bfloat16")
    experiments.record(half)
    for seed in (1, 2):
        verification.verify(half.experiment, seed)
    assert trained == [(1, "float32"), (2, "bfloat16")]


def test_a_seed_without_a_record_is_refused(
    trained: list[tuple[int, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in (4, 2):
        experiments.record(run(0.72, seed))
    assert main(["verify", "binary/rus", "--seed", "3"]) == 2
    error = capsys.readouterr().err
    assert error == "thesis-lib: binary/rus has no record of seed 3; recorded: 2, 4.\n"
    assert trained == []
