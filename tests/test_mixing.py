"""Mixed and moved images against loops in float64, and against SciPy's rotation."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from thesis_lib import mixing

COUNTS = [2, 500, 400]


def batch(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, n)
    return rng.random((n, 4, 5, 2)), np.eye(3)[labels]


def test_mixup_is_the_formula() -> None:
    x, y = batch()
    mixed, shares = mixing.mixup(x, y, np.random.default_rng(1), alpha=0.4)
    rng = np.random.default_rng(1)
    partner, weight = rng.permutation(40), rng.beta(0.4, 0.4, 40)
    for i, (j, w) in enumerate(zip(partner, weight, strict=True)):
        np.testing.assert_allclose(mixed[i], w * x[i] + (1 - w) * x[j])
        np.testing.assert_allclose(shares[i], w * y[i] + (1 - w) * y[j])
    assert len(np.unique(shares.max(1))) > 10  # labels are mixed too


def test_remix_is_the_rule_of_the_paper() -> None:
    x, y = batch()
    mixed, shares = mixing.remix(x, y, np.random.default_rng(1), COUNTS, alpha=0.4)
    plain, _ = mixing.mixup(x, y, np.random.default_rng(1), alpha=0.4)
    np.testing.assert_array_equal(mixed, plain)
    rng = np.random.default_rng(1)
    partner, weight = rng.permutation(40), rng.beta(0.4, 0.4, 40)
    cases = set()
    for i, (j, w) in enumerate(zip(partner, weight, strict=True)):
        n_i, n_j = (COUNTS[y[k].argmax()] for k in (i, j))
        if n_i / n_j >= 3 and w < 0.5:
            w, case = 0.0, "gives way"
        elif n_i / n_j <= 1 / 3 and 1 - w < 0.5:
            w, case = 1.0, "takes it"
        else:
            case = "as mixup"
        cases.add(case)
        np.testing.assert_allclose(shares[i], w * y[i] + (1 - w) * y[j])
    assert cases == {"gives way", "takes it", "as mixup"}


def test_among_equal_classes_remix_is_mixup() -> None:
    x, y = batch()
    one = mixing.remix(x, y, np.random.default_rng(1), [9, 9, 9])
    other = mixing.mixup(x, y, np.random.default_rng(1))
    np.testing.assert_array_equal(one[1], other[1])


def test_a_shift_moves_pixels_and_fills_with_black() -> None:
    x = np.zeros((200, 9, 9, 1), np.float32)
    x[:, 4, 4] = 1
    moved = mixing.move(x, np.random.default_rng(0), shift=0.2, degrees=0)
    grid = np.arange(9)
    row, column = ((moved[..., 0].sum(axis) * grid).sum(1) for axis in (2, 1))
    np.testing.assert_allclose(moved.sum((1, 2, 3)), 1, rtol=1e-5)  # bilinear shares sum to 1
    for centre in (row, column):
        assert np.abs(centre - 4).max() <= 0.2 * 9 + 1e-5
        assert centre.std() == pytest.approx(0.2 * 9 / 3**0.5, rel=0.15)
    edge = np.ones((50, 9, 9, 1), np.float32)
    assert mixing.move(edge, np.random.default_rng(0), shift=0.3, degrees=0).min() == 0


def test_a_rotation_is_scipys() -> None:
    rng = np.random.default_rng(0)
    x = ndimage.gaussian_filter(rng.random((1, 21, 21, 1)), (0, 2, 2, 0)).astype(np.float32)
    turned = mixing.move(x, np.random.default_rng(5), shift=0, degrees=30)[0, ..., 0]
    angle = np.random.default_rng(5).uniform(-30, 30, 1)[0]
    fits = [
        np.abs(ndimage.rotate(x[0, ..., 0], sign * angle, reshape=False, order=1) - turned)[
            4:-4, 4:-4
        ].max()
        for sign in (1, -1)
    ]
    assert min(fits) < 1e-5
    assert max(fits) > 0.02  # the other way round is another image


def test_nothing_moves_without_shift_and_angle() -> None:
    x = np.random.default_rng(0).random((3, 8, 7, 2)).astype(np.float32)
    still = mixing.move(x, np.random.default_rng(0), shift=0, degrees=0)
    np.testing.assert_allclose(still, x, atol=1e-6)


@pytest.mark.parametrize("mix", [mixing.mixup, lambda *b: mixing.remix(*b, COUNTS)])
def test_images_and_labels_have_to_fit(mix: Callable[..., object]) -> None:
    x, y = batch()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"each of the 40 images of x; got shape \(39, 3\)"):
        mix(x, y[1:], rng)
    with pytest.raises(ValueError, match=r"one-hot row .*; got shape \(40,\)"):
        mix(x, y.argmax(1), rng)
    with pytest.raises(TypeError, match="hold floats; got float64 and int64"):
        mix(x, y.astype(np.int64), rng)
    with pytest.raises(TypeError, match="hold floats; got uint8 and float64"):
        mix((255 * x).astype(np.uint8), y, rng)


@pytest.mark.parametrize("counts", [[2, 500], [2, 500, 400, 9], [2, 0, 400], [2, np.nan, 1]])
def test_one_count_for_each_class(counts: list[float]) -> None:
    with pytest.raises(ValueError, match="larger than 0 for each of the 3 classes; got") as error:
        mixing.remix(*batch(), np.random.default_rng(0), counts)
    assert str([float(n) for n in counts]) in str(error.value)


def test_images_without_channels_do_not_move() -> None:
    with pytest.raises(ValueError, match=r"\(n, height, width, channels\); got \(2, 8, 8\)"):
        mixing.move(np.zeros((2, 8, 8), np.float32), np.random.default_rng(0))


def test_bad_alpha() -> None:
    with pytest.raises(ValueError, match="alpha has to be a number above 0; got 0"):
        mixing.mixup(*batch(), np.random.default_rng(0), alpha=0)


@pytest.mark.parametrize(
    "call",
    [
        lambda rng: mixing.mixup(*batch(), rng),
        lambda rng: mixing.remix(*batch(), rng, COUNTS),
        lambda rng: mixing.move(batch()[0], rng),
    ],
)
def test_a_seed_is_no_generator(call: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match=r"such as numpy\.random\.default_rng\(0\); got 7\."):
        call(7)
