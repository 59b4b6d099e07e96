"""Class-aware batches, and batches that are changed."""

import numpy as np

from thesis_lib.engine import batches

X = np.arange(60, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
Y = np.repeat([0, 1, 2], [50, 7, 3])


def class_aware(**more: object) -> batches.ClassAware:
    plan = batches.plan(None, X, Y, 0)
    settings = {"scale": 255.0, "n_classes": 3, "batch_size": 9, "seed": 1, **more}
    return batches.ClassAware(X, Y, plan, **settings)  # type: ignore[arg-type]


def test_every_three_images_are_of_three_classes() -> None:
    made = class_aware()
    assert len(made._order) == 60
    assert (np.sort(Y[made._order].reshape(-1, 3), axis=1) == [0, 1, 2]).all()
    labels = made[0][1]
    assert labels.sum(0).tolist() == [3, 3, 3]


def test_images_of_a_class_come_in_turn() -> None:
    made = class_aware()
    times = np.bincount(made._order, minlength=60)
    assert times[:50].max() == 1  # 20 of the 50
    assert times[:50].sum() == 20
    assert set(times[50:57]) <= {2, 3}
    assert set(times[57:]) <= {6, 7}
    before = made._order.copy()
    made.on_epoch_end()
    assert not np.array_equal(before, made._order)


def test_a_change_leaves_the_order_as_it_is() -> None:
    plain = class_aware()
    changed = class_aware(change=lambda x, y, rng: (x + rng.random(), y))
    np.testing.assert_array_equal(plain._order, changed._order)
    shift = changed[0][0] - plain[0][0]
    assert np.ptp(shift) < 1e-6
    assert shift.min() > 0
