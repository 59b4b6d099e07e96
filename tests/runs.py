"""An invented run, for tests and for the processes that they start: it imports no pytest."""

from thesis_lib import experiments
from thesis_lib.training import Run


def make_run(name: str = "binary/rus", seed: int = 1) -> Run:
    return Run(
        experiment=experiments.get(name),
        seed=seed,
        train_accuracy=1.0,
        test_accuracy=0.75,
        recall=(0.5, 1.0),
        confusion=((1, 1), (0, 2)),
        loss_curve=(0.2, 0.1),
        accuracy_curve=(0.5, 1.0),
        epochs=2,
        diverged=False,
        seconds=1.0,
        provenance={
            "device": "CPU",
            "backend": "tensorflow",
            "versions": {"keras": "3.1"},
            "utc": "2026-01-01T00:00:00+00:00",
        },
    )
