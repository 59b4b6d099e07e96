"""Data: the thesis's subsets bit for bit, verification, and bad input."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thesis_lib import data, sources

# SHA-256 of images and labels (uint8) in the thesis's training order, computed from the listing's
# rules by the two tests below, which spell them out.
MULTICLASS_SHA = "e0a46fc70807757c7f3de90df8c8acdb727d8bd4c73416630d3251e0ae93e0b0"


def digest(x: np.ndarray, y: np.ndarray) -> str:
    return hashlib.sha256(x.tobytes() + y.astype(np.uint8).tobytes()).hexdigest()


def as_the_listing(mnist: data.Dataset, sizes: list[int], counts: list[int]) -> str:
    """Follow A.1 and A.8 step by step, with the global generator that they use."""
    saved = np.random.get_state()
    images = [
        [x for x, y in zip(mnist.x_train, mnist.y_train, strict=True) if y == c]
        for c in range(len(sizes))
    ]
    assert [len(x) for x in images] == sizes
    np.random.seed(10)
    chosen = [
        np.random.choice(range(n), k, replace=False) for n, k in zip(sizes, counts, strict=True)
    ]
    rx = [images[c][i] for c, rows in enumerate(chosen) for i in rows]
    ry = [c for c, k in enumerate(counts) for _ in range(k)]
    np.random.seed(10)
    order = np.random.choice(range(len(rx)), len(rx), replace=False)
    np.random.set_state(saved)
    return digest(np.array([rx[j] for j in order]), np.array([ry[j] for j in order]))


def test_the_multiclass_subset_is_the_thesis_s(mnist: data.Dataset) -> None:
    sizes = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    task = data.task("multiclass", mnist)
    assert digest(task.x_train, task.y_train) == MULTICLASS_SHA
    assert as_the_listing(mnist, sizes, list(data.MULTICLASS_COUNTS)) == MULTICLASS_SHA
    assert data.imbalance_ratio(task.y_train) == 2500
    assert len(task.x_test) == 10_000


def test_the_binary_subset_is_the_thesis_s(mnist: data.Dataset) -> None:
    task = data.task("binary", mnist)
    expected = as_the_listing(mnist, [5923, 6742], [2, 5000])
    assert digest(task.x_train, task.y_train) == expected
    assert np.bincount(task.y_test).tolist() == [980, 1135]


def test_the_global_generator_is_left_alone(mnist: data.Dataset) -> None:
    np.random.seed(3)
    expected = np.random.RandomState(3).random_sample(4)
    data.task("binary", mnist)
    np.testing.assert_array_equal(np.random.random_sample(4), expected)


def test_a_stand_in_has_the_largest_imbalance_it_allows() -> None:
    digits = data.load("digits")
    assert digits.x_train.shape[1:] == (28, 28)
    assert digits.x_train.dtype == np.uint8
    counts = data.class_counts(data.task("multiclass", digits).y_train)
    assert counts.min() == 2
    assert counts.argmax() == 2
    assert counts.max() > 100


def test_the_note_speaks_of_mnist_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "MNIST" not in data.load("digits").note

    def nowhere() -> None:
        raise data.DataUnavailable

    monkeypatch.setitem(sources.LOADERS, "mnist", nowhere)
    stand_in = data.load("mnist", fallback="digits")
    for dataset in (stand_in, data.task("binary", stand_in)):
        assert "**No MNIST was found" in dataset.note
    with pytest.raises(ValueError, match="fallback has to be one of digits; got 'cifar10'"):
        data.load("mnist", fallback="cifar10")


@pytest.mark.parametrize("name", ["mnist", "digits", "digits-8x8"])
def test_what_is_loaded_cannot_be_changed_for_others(name: str) -> None:
    dataset = data.load(name, fallback="digits")
    for array in (dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    data.task("binary", dataset).x_train[0] = 7  # a copy


@settings(deadline=None, max_examples=50)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=2, max_size=5),
    seed=st.integers(0, 2**32 - 1),
    rnd=st.data(),
)
def test_imbalance_draws_what_was_asked(sizes: list[int], seed: int, rnd: st.DataObject) -> None:
    counts = [rnd.draw(st.integers(1, n)) for n in sizes]
    y = np.repeat(np.arange(len(sizes)), sizes)
    x = np.arange(len(y))[:, None]
    drawn, labels = data.imbalance(x, y, counts, random_state=seed)
    assert data.class_counts(labels, len(sizes)).tolist() == counts
    assert len(np.unique(drawn)) == len(drawn)  # without replacement
    np.testing.assert_array_equal(y[drawn.ravel()], labels)


X, Y = np.zeros((4, 2, 2)), np.array([0, 0, 1, 1])


def test_features_may_be_negative() -> None:
    features = np.arange(8).reshape(4, 2) - 5.0
    drawn, labels = data.imbalance(features, Y, {0: 1, 1: 2}, random_state=0)
    assert sorted(labels) == [0, 1, 1]
    assert {tuple(row) for row in drawn} <= {tuple(row) for row in features}


@pytest.mark.parametrize(
    ("x", "y", "counts", "message"),
    [
        (X, Y, {0: 3, 1: 1}, r"counts\[0\] is 3, but class 0 has 2 images"),
        (X, Y, {0: 1, 7: 1}, r"counts\[7\] is 1, but class 7 has 0"),
        (X, Y, {0: 1}, "at least two classes"),
        (X, Y, {0: -1, 1: 1}, "whole number from 0; got -1"),
        (X[:3], Y, {0: 1, 1: 1}, "x has 3 images, but y has 4 labels"),
        (X[:0], Y[:0], {0: 1, 1: 1}, "not empty"),
        (X - 1, Y, {0: 1, 1: 1}, "negative pixels"),
        (X * np.nan, Y, {0: 1, 1: 1}, "NaN"),
        (X, -Y, {0: 1, 1: 1}, "class numbers start at 0"),
        (X, Y, {0.0: 1, 1: 2}, r"class of counts has to be a whole number from 0; got 0\.0"),
        (X, Y, {"0": 1, "1": 2}, "class of counts has to be a whole number from 0; got '0'"),
        (X, Y, 5, "counts has to be a list, a number a class, or a mapping .*; got 5"),
    ],
)
def test_bad_input_of_imbalance(x: object, y: object, counts: object, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        data.imbalance(x, y, counts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.eye(2)[Y], r"got \(4, 2\)\. For one-hot rows pass y\.argmax\(1\)"),
        ([], r"not empty; got \(0,\)\.$"),
        (3, r"one axis of labels, not empty; got \(\)"),
    ],
)
def test_what_cannot_be_split_is_refused(y: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        data.stratified_split(y, 0.5, 0)  # type: ignore[arg-type]


def test_bad_labels() -> None:
    with pytest.raises(TypeError, match="integers; got dtype float64"):
        data.class_counts([0.5, 1.5])
    with pytest.raises(ValueError, match="from 0 to 1; got 0 to 5"):
        data.class_counts([0, 5], 2)
    with pytest.raises(ValueError, match="at least two classes; got 1"):
        data.imbalance_ratio([1, 1])


@pytest.mark.parametrize("name", ["imagenet", "", "MNIST"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(
        ValueError, match="one of mnist, digits, digits-8x8, fashion-mnist, cifar10; got"
    ):
        data.load(name)
    with pytest.raises(ValueError, match="one of multiclass, binary"):
        data.task(name, data.load("digits"))


def test_to_unit() -> None:
    scaled = data.to_unit(np.array([[[0, 51], [102, 255]]], np.uint8))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[0, :, :, 0], [[0, 0.2], [0.4, 1]], rtol=1e-6)
    # In float64, rounded once: what a batch of the same images is.
    for values in (np.arange(256, dtype=np.uint8), 255 * np.random.default_rng(0).random(9999)):
        for pixels in (values, values.astype(np.float32)):
            exact = (pixels.astype(np.float64) / 255).astype(np.float32)
            np.testing.assert_array_equal(data.to_unit(pixels[None, None])[0, 0, :, 0], exact)
            np.testing.assert_array_equal(data.scaled(pixels, 255), exact)
    with pytest.raises(ValueError, match="0 to 255"):
        data.to_unit(np.full((1, 2, 2), 300))
    with pytest.raises(ValueError, match="3 or 4 axes"):
        data.to_unit(np.zeros((2, 2)))


def test_channels_become_pictures_of_their_own() -> None:
    pictures = np.zeros((2, 8, 8, 3), np.uint8)
    pictures[1, :, :, 2] = 255
    means = data.channel_images(pictures).mean((1, 2, 3))
    np.testing.assert_allclose(means, [0, 0, 0, 0, 0, 1], atol=1e-6)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THESIS_LIB_DATA", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    sources.mnist.cache_clear()
    yield tmp_path
    sources.mnist.cache_clear()


def make_file(path: Path, **changes: np.ndarray) -> None:
    arrays = {
        "x_train": np.zeros((5, 28, 28), np.uint8),
        "y_train": np.zeros(5, np.uint8),
        "x_test": np.zeros((5, 28, 28), np.uint8),
        "y_test": np.zeros(5, np.uint8),
    }
    np.savez_compressed(path, **(arrays | changes))


def test_altered_data_is_refused_and_left_untouched(folder: Path) -> None:
    path = folder / "mnist.npz"
    make_file(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"mnist\.npz: x_train is not MNIST's \(MD5 differs\)"):
        data.load("mnist")
    assert path.read_bytes() == before


@pytest.mark.parametrize("twentieth", range(20))
def test_truncated_data_is_refused(folder: Path, twentieth: int) -> None:
    path = folder / "mnist.npz"
    make_file(path)
    content = path.read_bytes()
    path.write_bytes(content[: twentieth * len(content) // 20])
    with pytest.raises(ValueError, match=r"mnist\.npz (is damaged|cannot)"):
        data.load("mnist")


def test_pickles_are_never_loaded(folder: Path) -> None:
    make_file(folder / "mnist.npz", x_train=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="damaged"):
        data.load("mnist")


def test_a_flipped_byte_is_seen(folder: Path, mnist: data.Dataset) -> None:
    path = folder / "mnist.npz"
    labels = {key: getattr(mnist, key).astype(np.uint8) for key in ("y_train", "y_test")}
    np.savez(path, x_train=mnist.x_train, x_test=mnist.x_test, **labels)
    assert data.load("mnist").n_classes == 10
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    sources.mnist.cache_clear()
    with pytest.raises(ValueError, match=r"mnist\.npz is damaged or no \.npz file \(Bad CRC-32"):
        data.load("mnist")


@pytest.mark.parametrize("dtype", ["float64", "int16", "U3", "bool", "datetime64[s]"])
def test_pixels_of_another_type_are_refused(mnist: data.Dataset, folder: Path, dtype: str) -> None:
    # In part the same numbers, so that the sum alone would let them pass.
    make_file(folder / "mnist.npz", x_train=mnist.x_train[:9].astype(dtype))
    with pytest.raises(ValueError, match=r"mnist\.npz: x_train has dtype"):
        data.load("mnist")


@pytest.mark.parametrize("shape", [(), (0,), (5,), (28, 28), (5, 28, 28, 1), (1,) * 32])
def test_pixels_of_another_shape_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    make_file(folder / "mnist.npz", x_train=np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=r"mnist\.npz: x_train is not MNIST's"):
        data.load("mnist")


@pytest.mark.parametrize(
    ("cats", "message"),
    [
        (np.zeros((2, 8, 8, 3)), r"cats has to be uint8 \(n, height, width, 3\)"),
        (np.zeros((2, 8, 8), np.uint8), "cats has to be uint8"),
        (np.zeros((2, 9, 9, 3), np.uint8), "cats and dogs have to be of one size"),
    ],
)
def test_wrong_pictures_are_refused(folder: Path, cats: np.ndarray, message: str) -> None:
    np.savez(folder / "cats_dogs.npz", cats=cats, dogs=np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match=rf"cats_dogs\.npz: {message}"):
        data.pictures()


def test_missing_arrays(folder: Path) -> None:
    np.savez(folder / "mnist.npz", images=np.zeros(3))
    with pytest.raises(ValueError, match="has to hold the arrays x_train"):
        data.load("mnist")


def test_a_real_file_is_verified(mnist: data.Dataset, folder: Path) -> None:
    changed = mnist.x_test.copy()
    changed[123, 4, 5] ^= 1
    make_file(
        folder / "mnist.npz",
        x_train=mnist.x_train,
        y_train=mnist.y_train.astype(np.uint8),
        x_test=changed,
        y_test=mnist.y_test.astype(np.uint8),
    )
    with pytest.raises(ValueError, match="x_test is not MNIST's"):
        data.load("mnist")


def test_the_variable_has_to_name_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THESIS_LIB_DATA", str(tmp_path / "nothing"))
    sources.mnist.cache_clear()
    with pytest.raises(ValueError, match="which is not a folder; unset it"):
        data.load("mnist")


def test_the_fingerprint_sees_files_come_and_go(folder: Path) -> None:
    without = data.fingerprint()
    make_file(folder / "mnist.npz")
    assert data.fingerprint() != without
    shutil.rmtree(folder / "keras", ignore_errors=True)


@pytest.mark.parametrize(
    "file",
    [
        "mnist.npz",
        "cats_dogs.npz",
        "fashion_mnist.npz",
        "cifar10.npz",
        "keras/datasets/mnist.npz",
        "keras/datasets/fashion_mnist.npz",
        "keras/datasets/cifar10.npz",
        "cifar-10-batches-py-target_archive",
        "keras/datasets/cifar-10-batches-py-target_archive",
        "fashion-mnist/train-images-idx3-ubyte.gz",
        "fashion-mnist/t10k-labels-idx1-ubyte.gz",
        "keras/datasets/fashion-mnist/train-images-idx3-ubyte.gz",
        "keras/datasets/fashion-mnist/train-labels-idx1-ubyte.gz",
        "keras/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz",
        "keras/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz",
    ],
)
def test_the_fingerprint_knows_every_file_that_is_read(folder: Path, file: str) -> None:
    seen = [data.fingerprint()]
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    for content in ("", "another size"):
        (folder / file).write_text(content)
        seen.append(data.fingerprint())
    assert len(set(seen)) == 3
    (folder / file).unlink()
    assert data.fingerprint() == seen[0]


def test_the_source_is_the_folder_that_a_file_lay_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the reader's folder has the name of Keras's, and where no folder is named."""
    cache, own = tmp_path / "keras" / "datasets", tmp_path / "datasets"
    pixels = np.zeros((2, 32, 32, 3), np.uint8)
    for folder in (cache, own):
        folder.mkdir(parents=True)
        np.savez(folder / "cats_dogs.npz", cats=pixels, dogs=pixels)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("THESIS_LIB_DATA", str(own))
    assert data.pictures().source == "THESIS_LIB_DATA"
    monkeypatch.delenv("THESIS_LIB_DATA")
    assert data.pictures().source == "Keras's cache"
