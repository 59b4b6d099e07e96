"""What is said of a recorded run that was trained again."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.runs import make_run
from thesis_lib import experiments, verification
from thesis_lib.__main__ import main
from thesis_lib.training import Run


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
            [run(0.7)],
            True,
            ["It differs by +5.00 points from the only recorded run.", SAME],
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


def test_the_command_trains_the_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    monkeypatch.setattr(
        experiments, "train_family", lambda e, seed, keep: {e.name: run(0.7, seed, images="b")}
    )
    experiments.record(run(0.72))
    assert main(["verify", "binary/rus"]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "It differs by -2.00 points from the only recorded run.",
        "Its images are not those of the recorded run of seed 1.",
    ]
