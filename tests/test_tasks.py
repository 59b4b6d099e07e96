"""Tasks: the thesis's two, long tails of the literature, other draws, other data."""

import dataclasses
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from thesis_lib import data, download, sources, tasks


def test_the_long_tail_of_cifar10_is_the_literature_s() -> None:
    """Sizes that the code of Cao et al. 2019 makes; 12,406 images in all."""
    sizes = data.tasks.get("cifar10-lt").counts
    assert sizes == (5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50)
    assert sum(sizes) == 12_406
    assert tasks.long_tailed(500, 100, 100)[-1] == 5


def test_ratios_of_the_tasks() -> None:
    for name, ratio in {
        "multiclass": 2500,
        "binary": 2500,
        "cifar10-lt": 100,
        "digits": 40,
    }.items():
        counts = tasks.get(name).counts
        assert max(counts) / min(counts) == ratio
    assert tasks.get("fashion-lt").counts[-1] == 60


def test_minority_classes_are_the_small_ones() -> None:
    for name, task in tasks.TASKS.items():
        few = [task.counts[c] for c in task.minority]
        many = [n for c, n in enumerate(task.counts) if c not in task.minority]
        assert max(few) <= min(many), name


def test_the_grids_agree_with_the_tasks_that_they_pass_through() -> None:
    assert tasks._digit_counts((0, 1, 4, 6, 7), 3) == tasks.get("digits").counts
    assert tasks.BINARY_COUNTS == (2, 5000)
    with pytest.raises(ValueError, match=r"one of multiclass, binary, fashion-lt.* got 'mnist'"):
        tasks.get("mnist")


def test_grids_pass_through_the_tasks_themselves() -> None:
    assert [tasks.with_size("digits", n) for n in (6, 3)] == ["digits-few-6", "digits"]
    assert [tasks.with_size("binary", n) for n in (2, 1)] == ["binary", "binary-few-1"]
    assert tasks.with_minority("digits", 5) == "digits"
    assert tasks.get("digits-minority-9").minority == (0, 1, 4, 6, 7, 2, 3, 5, 8)
    with pytest.raises(ValueError, match="task has to be one of digits, binary; got 'multiclass'"):
        tasks.with_size("multiclass", 2)
    with pytest.raises(ValueError, match="number has to be one of 1, 3, 5, 7, 9; got 4"):
        tasks.with_minority("digits", 4)


@pytest.mark.parametrize(
    ("largest", "n", "ratio", "message"),
    [
        (50, 10, 100, r"ratio has to lie in \[1, 50\]; got 100"),
        (50, 1, 2, "n_classes has to be a whole number from 2; got 1"),
        (50, 10, 0.5, r"ratio has to lie in \[1, 50\]; got 0.5"),
        (0, 10, 1, "largest has to be a whole number from 1; got 0"),
    ],
)
def test_bad_tails(largest: int, n: int, ratio: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tasks.long_tailed(largest, n, ratio)


def test_digits_are_cut_exactly_and_another_draw_is_another_set() -> None:
    digits = data.load("digits-8x8")
    one, again, other = (data.task("digits", digits, draw) for draw in (1, 1, 2))
    for cut in (one, other):
        assert tuple(np.bincount(cut.y_train)) == tasks.get("digits").counts
        np.testing.assert_array_equal(cut.x_test, digits.x_test)
    np.testing.assert_array_equal(one.x_train, again.x_train)
    few = [set(map(bytes, cut.x_train[cut.y_train == 0])) for cut in (one, other)]
    assert few[0] != few[1]


def test_draw_10_is_the_thesis_s(mnist: data.Dataset) -> None:
    for name in ("multiclass", "binary"):
        plain, ten, other = (data.task(name, mnist, draw) for draw in (None, 10, 3))
        np.testing.assert_array_equal(plain.x_train, ten.x_train)
        np.testing.assert_array_equal(plain.y_train, ten.y_train)
        assert not np.array_equal(plain.x_train, other.x_train)


def test_small_digits_are_scikit_learns_and_split_alike() -> None:
    small, large = data.load("digits-8x8"), data.load("digits")
    assert small.x_train.shape[1:] == (8, 8)
    assert small.x_train.max() == 255
    np.testing.assert_array_equal(small.y_test, large.y_test)


@pytest.fixture
def other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for stand-ins of the two sets, a hundredth of their size."""
    monkeypatch.setenv("THESIS_LIB_DATA", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    small = {k: dataclasses.replace(o, sizes=(600, 100)) for k, o in sources.OTHERS.items()}
    monkeypatch.setattr(sources, "OTHERS", small)
    monkeypatch.delitem(sources._MD5, "Fashion-MNIST")
    sources.other.cache_clear()
    yield tmp_path
    sources.other.cache_clear()


def write(path: Path, shape: tuple[int, ...], **changes: np.ndarray) -> None:
    arrays = {
        "x_train": np.zeros((600, *shape), np.uint8),
        "y_train": np.repeat(np.arange(10), 60)[:, None],  # a column, as Keras has CIFAR-10
        "x_test": np.zeros((100, *shape), np.uint8),
        "y_test": np.repeat(np.arange(10), 10),
    }
    np.savez(path, **(arrays | changes))


@pytest.mark.parametrize(
    ("name", "file", "shape"),
    [
        ("cifar10", "cifar10.npz", (32, 32, 3)),
        ("fashion-mnist", "fashion_mnist.npz", (28, 28)),
    ],
)
def test_other_data_are_read_from_the_folder(
    other_files: Path, name: str, file: str, shape: tuple[int, ...]
) -> None:
    write(other_files / file, shape)
    found = data.load(name)
    assert (found.name, found.source) == (name, "THESIS_LIB_DATA")
    assert found.y_train.shape == (600,)
    assert found.n_classes == 10
    assert found.note.endswith(f"{sources.OTHERS[name].title}, from THESIS_LIB_DATA.")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": np.zeros((600, 28, 28, 3), np.uint8)}, r"x_train has to be uint8 \(600, 32"),
        ({"x_test": np.zeros((100, 32, 32, 3))}, "x_test has to be uint8 .* got float64"),
        ({"y_test": np.arange(100) % 9}, "y_test is not CIFAR-10's; replace the file"),
    ],
)
def test_wrong_files_are_refused(
    other_files: Path, changes: dict[str, np.ndarray], message: str
) -> None:
    write(other_files / "cifar10.npz", (32, 32, 3), **changes)
    with pytest.raises(ValueError, match=rf"cifar10\.npz: {message}"):
        data.load("cifar10")


def write_original_files(folder: Path) -> dict[str, str]:
    """Write four packed IDX files; the last image of each part is white, all others black.

    Returns the MD5 sums of what was packed.
    """
    folder.mkdir(parents=True)
    sums = {}
    for part, prefix, n in (("train", "train", 600), ("test", "t10k", 100)):
        head = (2051).to_bytes(4, "big") + b"".join(k.to_bytes(4, "big") for k in (n, 28, 28))
        images = head + bytes(784 * (n - 1)) + b"\xff" * 784
        head = (2049).to_bytes(4, "big") + n.to_bytes(4, "big")
        labels = head + bytes(i * 10 // n for i in range(n))
        for key, kind, content in (("x", "images-idx3", images), ("y", "labels-idx1", labels)):
            (folder / f"{prefix}-{kind}-ubyte.gz").write_bytes(gzip.compress(content))
            sums[f"{key}_{part}"] = hashlib.md5(content).hexdigest()
    return sums


@pytest.mark.parametrize(
    ("folder", "source"),
    [("keras/datasets/fashion-mnist", "Keras's cache"), ("fashion-mnist", "THESIS_LIB_DATA")],
)
def test_the_four_files_of_fashion_mnist_are_read(
    other_files: Path, folder: str, source: str
) -> None:
    write_original_files(other_files / folder)
    found = data.load("fashion-mnist")
    assert (found.name, found.source) == ("fashion-mnist", source)
    assert found.y_train.tolist() == [c for c in range(10) for _ in range(60)]
    assert found.y_test.tolist() == [c for c in range(10) for _ in range(10)]
    assert found.x_train.mean((1, 2)).tolist() == [0.0] * 599 + [255.0]
    assert found.x_test.mean((1, 2)).tolist() == [0.0] * 99 + [255.0]


def test_files_of_fashion_mnist_are_verified(
    other_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One pixel is one too many; so is a file cut short, and one too few."""
    folder = other_files / "fashion-mnist"
    sums = write_original_files(folder)
    monkeypatch.setitem(sources._MD5, "Fashion-MNIST", sums)
    assert data.load("fashion-mnist").n_classes == 10
    path = folder / "t10k-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[1234] ^= 1
    for bad, message in (
        (gzip.compress(content), r"fashion-mnist: x_test is not Fashion-MNIST's \(MD5 differs\)"),
        (path.read_bytes()[:60], r"t10k-images-idx3-ubyte\.gz is damaged .*; replace it"),
        (bytes(50), r"t10k-images-idx3-ubyte\.gz is damaged or no \.gz file"),
        (gzip.compress(content[:-1]), r"t10k-images-idx3-ubyte\.gz is damaged"),
        (None, r"fashion-mnist lacks t10k-images-idx3-ubyte\.gz; put them there"),
    ):
        path.unlink() if bad is None else path.write_bytes(bad)
        sources.other.cache_clear()
        with pytest.raises(ValueError, match=message):
            data.load("fashion-mnist")


DEBIAN = Path("/usr/share/datasets")


@pytest.mark.skipif(
    not (DEBIAN / "fashion-mnist").is_dir(), reason="needs the package dataset-fashion-mnist"
)
def test_the_files_of_debian_s_package_are_fashion_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_LIB_DATA", str(DEBIAN))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    sources.other.cache_clear()
    found = data.load("fashion-mnist")
    assert found.source == "THESIS_LIB_DATA"
    assert found.y_train[:3].tolist() == [9, 0, 0]  # an ankle boot, a T-shirt, another
    cut = data.task("fashion-lt", found)
    assert tuple(np.bincount(cut.y_train)) == tasks.get("fashion-lt").counts
    sources.other.cache_clear()


def test_without_file_and_network_it_says_what_to_do(
    other_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sources._CIFAR_URL
    monkeypatch.setattr(download, "_refused", {url: f"{url} could not be downloaded (no answer)"})
    with pytest.raises(data.DataUnavailable, match=r"CIFAR-10 .* Put cifar10\.npz or Keras"):
        data.load("cifar10")
