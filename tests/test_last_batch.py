"""The small last batch of two classes: when a zero is in it, and what the loss does."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.runs import make_run
from thesis_lib import data, experiments
from thesis_lib.book import evidence, last_batch, verdicts
from thesis_lib.engine.vectorized import batch_order


def write(seed: int, losses: list[float], backend: str = "jax") -> None:
    """Record a run of one setting of focal loss."""
    run = make_run()
    made = dataclasses.replace(
        run,
        experiment=experiments.get(verdicts.focal("binary", 2, 5)),
        seed=seed,
        recall=(1.0, 1.0),
        confusion=((980, 0), (0, 1135)),
        loss_curve=tuple(losses),
        accuracy_curve=tuple(1.0 for _ in losses),
        epochs=len(losses),
        provenance={**run.provenance, "backend": backend},
    )
    assert experiments.record(made)


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))


def test_two_images_are_left() -> None:
    assert last_batch.size() == 5002 % 100 == 2


def test_zeros_are_met_where_the_order_has_them_last(mnist: data.Dataset) -> None:
    """Epoch by epoch: the places of both zeros in the order, counted from its end."""
    write(5, [1.0] * 200)
    write(1, [1.0] * 200, backend="tensorflow")  # in an order of its own
    zeros = np.flatnonzero(data.task("binary", mnist).y_train == 0)
    places = [[list(batch_order(5, e, 5002)).index(z) for z in zeros] for e in range(5)]
    assert [max(place) >= 5000 for place in places] == [False, False, True, False, False]
    assert last_batch.meetings() == {5: [3]}


def test_a_loss_is_held_against_the_one_before() -> None:
    write(2, [4.0, 2.0, 8.0, 0.0])
    write(5, [1.0, 1.0, 3.0, 3.0])
    after, others = last_batch.rises({2: [2], 5: []})
    name = verdicts.focal("binary", 2, 5)
    assert after.to_dict() == {(name, 2, 2): 4.0}
    assert others.xs(5, level="Seed").tolist() == [1, 3, 1]
    assert others.xs(2, level="Seed").tolist() == [0.5, 0]


@pytest.mark.parametrize(("jump", "status"), [(40.0, evidence.CONFIRMED), (0.9, evidence.REFUTED)])
def test_the_finding_stands_if_the_loss_jumps(
    mnist: data.Dataset, jump: float, status: str
) -> None:
    falling = list(np.geomspace(1, 0.01, 200))
    write(5, [*falling[:3], *(jump * loss for loss in falling[3:])])
    found = evidence.of("last-batch")
    assert found.status == status
    assert "seed 5 in epoch 3. " in found.measured


def test_without_records_the_finding_is_open(mnist: data.Dataset) -> None:
    assert last_batch.losses().empty
    assert evidence.of("last-batch").status == evidence.OPEN
