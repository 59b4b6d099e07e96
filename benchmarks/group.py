"""Where the time of one group of a sweep goes: ``python benchmarks/group.py [runs [epochs]]``.

Trains so many baselines of the ten-class task side by side (default: 4 runs, 1 epoch), and prints
the seconds of each phase: making the training set, compiling, training, evaluating, recording. A
sweep prepares the next groups while one trains; all else happens one after the other, and the
device waits where it is not needed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax

from thesis_lib import experiments
from thesis_lib.engine import vectorized

NAME = "multiclass/baseline"


def timed(phase: str, call: Callable[..., Any], *given: Any) -> Any:
    """Return what a call returns, and print how long it took."""
    started = time.perf_counter()
    found = jax.block_until_ready(call(*given))
    print(f"{time.perf_counter() - started:8.2f} s  {phase}", flush=True)
    return found


def main() -> None:
    """Print a line a phase."""
    given = [int(argument) for argument in sys.argv[1:]]
    runs, epochs = given + [4, 1][len(given) :]
    jobs = [(experiments.get(NAME), seed) for seed in range(1, runs + 1)]
    print(f"{jax.devices()[0].device_kind}, {runs} × {NAME}, bfloat16")
    problem = timed("training set", vectorized._Problem.of, jobs, None, "bfloat16")
    state = timed("initial weights", problem.start)
    program = timed("compiling the training", problem.program, 1)
    outputs = timed("compiling the evaluation", problem.outputs)
    for epoch in range(1, epochs + 1):
        state = timed(f"epoch {epoch}", program, state)
    trained = state["weights"], state["noise"]
    timed("outputs on the training images", outputs, *trained, problem.x)
    done = timed("the whole evaluation", problem.runs, state, outputs, 1.0)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["THESIS_LIB_RECORDS"] = folder
        timed("records", lambda: list(map(experiments.keep_family, done)))


if __name__ == "__main__":
    main()
