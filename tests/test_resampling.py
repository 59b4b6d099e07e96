"""One battery for every sampler; SMOTE's segments; the thesis's listings, spelled out."""

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thesis_lib import data, resampling

METHODS = ("ros", "smote", "rus")


def made(counts: list[int], shape: tuple[int, ...] = (3, 3), dtype: str = "uint8", seed: int = 0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    return rng.integers(0, 256, (len(y), *shape)).astype(dtype), y


def quiet(*args: object, **kwargs: object) -> resampling.Resampled:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return resampling.resample(*args, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(5,), (3, 3), (2, 2, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_battery(method: str, shape: tuple[int, ...], dtype: str) -> None:
    x, y = made([7, 2, 12], shape, dtype)
    out = quiet(x, y, method, random_state=1)
    size = 2 if method == "rus" else 12
    assert np.bincount(out.y).tolist() == [size] * 3
    assert out.x.shape == (3 * size, *shape)
    assert out.x.dtype == x.dtype
    assert (np.diff(out.y) < 0).any()  # shuffled
    # Every image is the mixture that it says it is, of two images of its class.
    np.testing.assert_array_equal(y[out.parents], np.stack([out.y, out.y], 1))
    w = out.weights.reshape(-1, *[1] * len(shape))
    mixed = w * x[out.parents[:, 0]] + (1 - w) * x[out.parents[:, 1]].astype(float)
    np.testing.assert_allclose(out.x, np.rint(mixed) if dtype == "uint8" else mixed, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_fixes_the_draws(method: str) -> None:
    x, y = made([9, 3, 20])
    one, again, other = (quiet(x, y, method, random_state=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.x, again.x)
    assert not np.array_equal(one.parents, other.parents)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(2, 8), min_size=2, max_size=4),
    st.integers(0, 99),
    st.sampled_from(METHODS),
)
def test_properties(counts: list[int], seed: int, method: str) -> None:
    x, y = made(counts, (4,), seed=seed)
    out = quiet(x, y, method, random_state=seed)
    low = np.minimum(*(x[out.parents[:, k]] for k in (0, 1)))
    high = np.maximum(*(x[out.parents[:, k]] for k in (0, 1)))
    assert ((out.x >= low) & (out.x <= high)).all()
    if method == "rus":
        assert len(np.unique(out.parents[:, 0])) == len(out.y)
    else:  # every original is kept
        assert set(out.parents[out.weights == 1, 0]) == set(range(len(y)))


def test_smote_s_partners_are_true_neighbours() -> None:
    x, y = made([6, 30], (4,), "float64")
    out = resampling.smote(x, y, random_state=0, k_neighbors=2)
    distance = np.linalg.norm(x[:6, None] - x[None, :6], axis=-1)
    nearest = distance.argsort(1)[:, 1:3]
    for a, b in out.parents[out.weights < 1]:
        assert b in nearest[a]


def test_classes_get_draws_of_their_own() -> None:
    x, y = made([3, 3, 50])
    out = quiet(x, y, "ros", random_state=0)
    copies = [np.bincount(out.parents[out.y == c, 0] - 3 * c, minlength=3) for c in (0, 1)]
    assert copies[0].tolist() != copies[1].tolist()


@pytest.mark.parametrize("call", [resampling.smote, partial(resampling.resample, method="smote")])
def test_small_classes_are_said_to_the_caller(call: Callable[..., object]) -> None:
    x, y = made([2, 3, 9])
    with pytest.warns(
        UserWarning, match=r"Classes \[0, 1\] have no more than k_neighbors=3"
    ) as said:
        call(x, y, random_state=0)
    assert [warning.filename for warning in said] == [__file__]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, y: resampling.smote(x[:13], y[:13]), ValueError, r"\[2\] have one"),
        (
            lambda x, y: resampling.resample(x, y, "adasyn"),
            ValueError,
            "ros, smote, rus; got 'adasyn'",
        ),
        (
            lambda x, y: resampling.resample(x[:5], y, "ros"),
            ValueError,
            "x has 5 images, but y has 14",
        ),
        (lambda x, y: resampling.resample(x[:4], y[:4], "rus"), ValueError, "at least two classes"),
        (lambda x, y: resampling.resample(x[:0], y[:0], "ros"), ValueError, "not empty"),
        (lambda x, y: resampling.resample(x * np.nan, y, "smote"), ValueError, "NaN"),
        (lambda x, y: resampling.resample(x, np.eye(3)[y], "ros"), TypeError, "one axis"),
        (lambda x, y: resampling.smote(x, y, k_neighbors=0), ValueError, "from 1; got 0"),
        (
            lambda x, y: resampling.smote(x, y, k_neighbors=True),  # type: ignore[arg-type]
            TypeError,
            "from 1; got True",
        ),
        (
            lambda x, y: resampling.smote_as_published(x[::-1], y[::-1]),
            ValueError,
            "sorted by class",
        ),
        (lambda x, y: resampling.smote_as_published(x * 1.0, y), TypeError, "uint8"),
        (
            lambda x, y: resampling.smote_as_published(x[:13], y[:13]),
            ValueError,
            r"two images of a class; \[2\] have one",
        ),
    ],
)
def test_bad_input(call: object, error: type[Exception], message: str) -> None:
    x, y = made([4, 8, 2])
    with pytest.raises(error, match=message):
        call(x, y)  # type: ignore[operator]


def listing_a3(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Appendix A.3, step by step, slips included (uint8 norms, ties, re-seeding)."""
    classes = [list(x[y == c]) for c in np.unique(y)]
    target = max(len(c) for c in classes)
    small = [c for c in classes if len(c) < target]
    norms = [[[np.linalg.norm(a - b) for b in c] for a in c] for c in small]
    rng = np.random.RandomState(10)
    first = [rng.choice(range(len(c)), target - len(c), replace=True) for c in small]
    rank = [
        rng.choice(range(1, min(3, len(c) - 1) + 1), target - len(c), replace=True) for c in small
    ]
    partners = []
    for c, n, i, r in zip(small, norms, first, rank, strict=True):
        found = []
        for k in range(target - len(c)):
            found += [j for j in range(len(c)) if sorted(n[i[k]])[r[k]] == n[i[k]][j]]
        partners.append(found)
    rng = np.random.RandomState(10)
    grown = []
    for c, i, partner in zip(small, first, partners, strict=True):
        new = []
        for k in range(target - len(c)):
            w = rng.random_sample()
            new.append(w * c[i[k]] + (1 - w) * c[partner[k]])
        grown.append(new)
    everything, labels, queue = [], [], iter(grown)
    for label, c in enumerate(classes):
        everything += c + (next(queue) if len(c) < target else [])
        labels += [label] * target
    order = np.random.RandomState(10).choice(len(labels), len(labels), replace=False)
    return np.array([everything[j] for j in order]), np.array(labels)[order]


@pytest.mark.parametrize("seed", range(4))
def test_smote_as_published_is_the_listing(seed: int) -> None:
    # Few grey values make ties, which the listing mishandles.
    x, y = made([2, 5, 14, 3], (2, 2), seed=seed)
    x = x // 64 * 64
    out = resampling.smote_as_published(x, y)
    images, labels = listing_a3(x, y)
    np.testing.assert_array_equal(out.y, labels)
    np.testing.assert_allclose(out.x, images, rtol=1e-5, atol=1e-4)


def test_bytes_wrap_around() -> None:
    a, b = np.array([[0, 200]], np.uint8), np.array([[[100, 0]]], np.uint8)
    # 0 - 100 is 156 modulo 256.
    assert resampling.wrapped_distances(a, b).tolist() == [156**2 + 200**2]


def test_the_listings_on_the_thesis_s_subset(mnist: data.Dataset) -> None:
    task = data.task("multiclass", mnist)
    order = task.y_train.argsort(kind="stable")
    by_class = (task.x_train[order], task.y_train[order])
    ros = resampling.random_oversample_as_published(*by_class)
    assert np.bincount(ros.y).tolist() == [5000] * 10
    rus = resampling.undersample_as_published(*by_class)
    assert np.bincount(rus.y).tolist() == [2, 5, 13]
    images = by_class[1][rus.parents[:, 0]]
    assert np.bincount(images).tolist() == [2] * 10


BAD = {
    "negative labels": (
        lambda x, y: (x, y - 1),
        ValueError,
        r"y has labels from -1 to 1; class numbers start at 0\. Pass numpy\.unique",
    ),
    "text": (
        lambda x, y: (x.astype(str), y),
        TypeError,
        "x has to hold integers or floats; got dtype <U3",
    ),
    "objects": (
        lambda x, y: (x.astype(object), y),
        TypeError,
        r"got dtype object\. Pass x\.astype\('uint8'\) or numpy\.stack\(x\)",
    ),
    "truth values": (lambda x, y: (x > 9, y), TypeError, "got dtype bool"),
    "negative pixels": (
        lambda x, y: (x - 300.0, y),
        ValueError,
        r"x holds negative pixels \(smallest: -300\.0\); scale them to 0 or more",
    ),
    "negative whole pixels": (
        lambda x, y: (x.astype(np.int16) - 7, y),
        ValueError,
        r"x holds negative pixels \(smallest: -7\)",
    ),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", BAD)
def test_what_is_no_image_and_no_label(case: str, method: str) -> None:
    spoil, error, message = BAD[case]
    x, y = made([4, 8, 2])
    x[0, 0, 0] = 0
    with pytest.raises(error, match=message):
        resampling.resample(*spoil(x, y), method)


@pytest.mark.parametrize("method", METHODS)
def test_features_may_be_negative(method: str) -> None:
    x, y = made([4, 8], (6,), "float32")
    shifted, plain = (quiet(v, y, method, random_state=0) for v in (x - 300, x))
    np.testing.assert_allclose(shifted.x, plain.x - 300, atol=1e-3)
    assert shifted.x.max() < 0


def test_a_number_of_neighbours_of_numpy() -> None:
    x, y = made([6, 9])
    one, other = (resampling.smote(x, y, random_state=0, k_neighbors=k) for k in (np.int64(2), 2))
    np.testing.assert_array_equal(one.x, other.x)


@pytest.mark.parametrize("method", ["ros", "smote", "rus"])
def test_a_resampled_set_unpacks_as_images_and_labels(method: str) -> None:
    x, y = np.arange(40.0).reshape(20, 2), np.repeat([0, 1], [15, 5])
    out = quiet(x, y, method, random_state=0)
    more_x, more_y = out
    assert more_x is out.x
    assert more_y is out.y
