"""Images, labels and commands as people really have them: read rightly, or refused with advice."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import textwrap
import tomllib
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import thesis_lib
from tests.test_comparison import binary, made
from thesis_lib import losses, resampling
from thesis_lib.__main__ import main
from thesis_lib.own import image_sets, loading, method_runs
from thesis_lib.own.comparison import compare
from thesis_lib.own.offered import BASELINE
from thesis_lib.plots import set_style

mpl.use("Agg")

X = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
Z = np.random.default_rng(1).integers(0, 256, (10, 8, 8), dtype=np.uint8)
Y, W = np.arange(20) % 2, np.arange(10) % 2


def folder(path: Path, save: Callable[[Path, int], object], images: int = 4) -> Path:
    """Two classes, each with so many images."""
    for name in ("a", "b"):
        (path / name).mkdir(parents=True)
        for k in range(images):
            save(path / name, k)
    return path


def plain(path: Path, k: int) -> None:
    Image.new("L", (20, 20), 20 * k).save(path / f"{k}.png")


def checked(**change: Any) -> image_sets.ImageSets:
    sets = {"x_train": X, "y_train": Y, "x_test": Z, "y_test": W, **change}
    return image_sets.checked(**sets)


# Folders


def test_photographs_are_turned_upright(tmp_path: Path) -> None:
    """As a telephone held upright saves them: the picture lies on its side, and a tag says so."""

    def save(path: Path, k: int) -> None:
        pixels = np.zeros((40, 40, 3), np.uint8)
        pixels[:, :20] = 255  # turned clockwise by 90 degrees, as tag 6 asks, the upper half
        tags = Image.Exif()
        tags[0x0112] = 6
        Image.fromarray(pixels).save(path / f"{k}.jpg", exif=tags)

    x = loading.load(folder(tmp_path, save), size=16).x_train.astype(int)
    assert x[:, :7].min() > 240
    assert x[:, 9:].max() < 15


@pytest.mark.parametrize(("suffix", "highest"), [("png", 65535), ("png", 4095), ("tif", 65535)])
def test_images_of_sixteen_bits_keep_their_shades(
    suffix: str, highest: int, tmp_path: Path
) -> None:
    ramp = np.linspace(0, highest, 400).reshape(20, 20).astype(np.uint16)
    path = folder(tmp_path, lambda p, k: Image.fromarray(ramp).save(p / f"{k}.{suffix}"))
    loaded = loading.load(path, size=20)
    np.testing.assert_array_equal(loaded.x_train[0, ..., 0], ramp)
    sets = image_sets.checked(loaded.x_train, loaded.y_train, loaded.x_test, loaded.y_test)
    assert sets.scale == highest  # white for the network is what the camera calls so


def test_images_of_eight_bits_beside_sixteen_are_as_bright(tmp_path: Path) -> None:
    path = folder(tmp_path, lambda p, k: Image.new("L", (9, 9), 100).save(p / f"{k}.png"))
    deep = np.full((9, 9), 100 * 257, np.uint16)
    Image.fromarray(deep).save(path / "b" / "0.png")
    x = loading.load(path, size=8).x_train
    assert x.dtype == np.uint16
    assert (x == 100 * 257).all()


@pytest.mark.parametrize("mode", ["F", "I"])
def test_images_without_a_known_white_are_refused(mode: str, tmp_path: Path) -> None:
    path = folder(tmp_path, plain)
    Image.new(mode, (9, 9), 70000).save(path / "b" / "deep.tif")
    with pytest.raises(ValueError, match=r"deep\.tif .*save it with 8 or 16"):
        loading.load(path)


def test_palettes_and_transparent_grounds(tmp_path: Path) -> None:
    """A palette with one transparent colour: that is white, the other as it was."""

    def save(path: Path, k: int) -> None:
        image = Image.new("P", (16, 16), 0)
        image.putpalette([0, 0, 0, 200, 30, 40])
        image.paste(1, (0, 8, 16, 16))
        image.save(path / f"{k}.png", transparency=0)

    x = loading.load(folder(tmp_path, save), size=16).x_train
    assert (x[:, :8] == 255).all()
    assert (x[:, 8:] == [200, 30, 40]).all()


def test_grey_and_coloured_images_of_several_sizes(tmp_path: Path) -> None:
    path = folder(tmp_path, plain)
    Image.new("RGB", (40, 10), (9, 8, 7)).save(path / "b" / "9.jpg", quality=100)
    assert loading.load(path, size=8).x_train.shape == (6, 8, 8, 3)


def test_what_systems_hide_beside_images_is_no_image(tmp_path: Path) -> None:
    def save(path: Path, k: int) -> None:
        plain(path, k)
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", f"._{k}.png"):
            (path / name).write_bytes(b"no image")

    note = loading.load(folder(tmp_path / "photos", save), size=8).note
    assert note.startswith("8 images from photos, resized to 8×8. 30%")


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    path = folder(tmp_path, plain)
    (path / "a" / "more.png").mkdir()
    (path / "b" / "1.heic").write_bytes(b"")
    (path / "b" / "2.heic").write_bytes(b"")
    (path / "b" / "9.png").symlink_to(path / "nowhere.png")
    (path / "later").mkdir()
    note = loading.load(path, size=8).note
    assert (
        "; without images: later; left out: sub-folders (1), .heic (2), broken links (1). 30%"
        in note
    )


def test_all_damaged_images_are_named_at_once(tmp_path: Path) -> None:
    path = folder(tmp_path, plain, images=6)
    for k in range(5):
        whole = (path / "b" / f"{k}.png").read_bytes()
        (path / "b" / f"{k}.png").write_bytes(whole[: 10 * k])
    with pytest.raises(ValueError, match=r"0\.png is no image that can be read") as caught:
        loading.load(path)
    assert re.search(r"Nor are these: \S*b/1.png, \S*2.png, \S*3.png and 1 more", str(caught.value))


def test_a_picture_too_large_to_be_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder(tmp_path, plain)
    Image.new("1", (200, 100)).save(path / "a" / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5_000)  # instead of 90 million
    with pytest.raises(ValueError, match=r"huge\.png is no image .*pixels"):
        loading.load(path)


def test_a_split_under_other_names(tmp_path: Path) -> None:
    folder(tmp_path / "Train", plain)
    folder(tmp_path / "val", plain)
    with pytest.raises(ValueError, match="have to be called train and test"):
        loading.load(tmp_path)
    (tmp_path / "val").rename(tmp_path / "TEST")
    folder(tmp_path / "spare", plain)
    found = loading.load(tmp_path, size=8)
    assert len(found.x_test) == 8
    assert found.note.endswith("8 images from TEST, resized to 8×8; not used: spare.")


def test_a_name_in_two_spellings_is_one_class(tmp_path: Path) -> None:
    """As in an archive packed on one system and unpacked beside images from another."""
    for part, form in (("train", "NFC"), ("test", "NFD")):
        folder(tmp_path / part, plain)
        (tmp_path / part / "b").rename(tmp_path / part / unicodedata.normalize(form, "café"))
    found = loading.load(tmp_path, size=8)
    assert set(found.y_train) == set(found.y_test) == {"a", "caf\u00e9"}


def test_spaces_and_spellings_in_a_table_are_no_other_class(tmp_path: Path) -> None:
    """As somebody types it: also the names of the columns, and a label with a comma."""
    for k in range(6):
        plain(tmp_path, k)
    names = ["a", "a ", "b, too", "b, too ", "caf\u00e9", "cafe\u0301"]
    lines = [f'{k}.png , "{name}"' for k, name in enumerate(names)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["file, label", *lines]), "utf-8")
    _, y, _ = loading.load_to_fit(table, size=8)
    assert y.tolist() == ["a", "a", "b, too", "b, too", "caf\u00e9", "caf\u00e9"]
    for lines, message in (
        (["0.png,a", "0.png ,b"], r"names files more than once: 0\.png"),
        (["0.png,a", "1.png,  "], "lacks a file or a label in line 3"),
    ):
        table.write_text("\n".join(["file,label", *lines]), "utf-8")
        with pytest.raises(ValueError, match=message):
            loading.load(table)


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        lambda y: y.astype(float),
        lambda y: y[:, None],
        lambda y: np.eye(2)[y],
        lambda y: np.eye(2, dtype=bool)[y].tolist(),
        lambda y: y.astype(object),
        lambda y: y.tolist(),
        lambda y: pd.Series(y, index=y + 100, dtype="Int64"),
    ],
    ids=["floats", "column", "one-hot", "one-hot lists", "objects", "list", "pandas"],
)
def test_whole_numbers_of_many_kinds_are_the_same_labels(labels: Callable[..., Any]) -> None:
    found = checked(y_train=labels(Y), y_test=labels(W))
    assert found.classes == ("0", "1")
    np.testing.assert_array_equal(found.y_train, Y)
    np.testing.assert_array_equal(found.y_test, W)
    assert found.sha256 == checked().sha256  # so a comparison goes on whichever they come as


@pytest.mark.parametrize(
    "text",
    [
        lambda y: np.array(y, dtype="S"),
        lambda y: np.array(y, dtype=object),
        lambda y: np.array(y, dtype=np.dtypes.StringDType()),
        lambda y: pd.Categorical(y),
        lambda y: pd.Series(y, dtype="string"),
    ],
    ids=["bytes", "objects", "StringDType", "categories", "pandas"],
)
def test_words_of_many_kinds_are_the_same_labels(text: Callable[..., Any]) -> None:
    found = checked(
        y_train=text(["crack", "whole"] * 10), y_test=np.array(["whole", "crack"])[[0, 1] * 5]
    )
    assert found.classes == ("crack", "whole")
    np.testing.assert_array_equal(found.y_train, Y)
    np.testing.assert_array_equal(found.y_test, 1 - W)


def test_ten_comes_after_two() -> None:
    """Integers that come as objects, as from a table with gaps, stay integers."""
    labels = np.tile(np.array([1, 2, 10, 10], dtype=object), 5)
    found = checked(y_train=labels, y_test=[10] * 10)
    assert found.classes == ("1", "2", "10")
    assert found.test_counts.tolist() == [0, 0, 10]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_train": ["a", None] * 10}, r"y_train has 10 missing labels .* at position 1\. Drop"),
        ({"y_train": ["a", float("nan")] * 10}, "y_train has 10 missing labels"),
        ({"y_test": np.where(W == 1, np.nan, 0)}, "y_test has 5 missing labels"),
        ({"y_train": pd.Series([1, None] * 10, dtype="Int64")}, "y_train has 10 missing labels"),
        ({"y_train": np.ma.array(Y, mask=Y == 1)}, "y_train has masked values"),
        ({"y_train": [1, "a"] * 10}, r"it holds int, str\. .*\[str\(label\) for label in y\]"),
        ({"y_train": [[1], [1, 2]] * 10}, "y_train has to be all integers .* holds list"),
        ({"y_train": [set()] * 20}, "holds set"),
        ({"y_test": [str(w) for w in W]}, "y_train holds integers and y_test strings"),
        ({"y_train": Y + 0.5}, "These are fractions"),
        ({"y_train": np.where(Y == 1, np.inf, 0)}, "These are fractions"),
        ({"y_train": Y * 1e20}, "too large to be exact as floats; pass integers or strings"),
        ({"y_train": [["a", "b"]] * 20}, r"the one column that .* numpy\.asarray\(y\)\[:, 0\]"),
        (
            {"y_train": np.array([b"\xff"] * 20)},
            r"y_train holds bytes .* such as b'\\xff'\. Decode",
        ),
        ({"y_train": X}, "The order is x_train, y_train, x_test, y_test"),
        ({"y_train": np.full((20, 2), 0.5)}, r"likeliest class of each row pass y\.argmax\(1\)"),
        ({"y_train": np.eye(3)[Y], "y_test": np.eye(2)[W]}, "have 3 columns, .* test set 2"),
        ({"y_train": Y.astype("M8[D]")}, r"datetime64.* as text pass y\.astype\(str\)"),
    ],
)
def test_labels_that_may_mean_something_else_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked(**change)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, np.nan] * 10), "y has 10 missing labels"),
        (np.array(5), "y has to be one integer or string"),
        (np.eye(2)[W], "x has 20 images, but y has 10 labels"),
    ],
)
def test_labels_are_read_before_the_split(labels: np.ndarray, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x=X, y=labels)
    with pytest.raises(ValueError, match=message):
        loading.load(tmp_path / "own.npz")


def test_one_hot_rows_are_split_by_class(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x=X, y=np.eye(2)[Y])
    (tmp_path / "own.npz").rename(tmp_path / "OWN.NPZ")
    assert np.bincount(loading.load(tmp_path / "OWN.NPZ").y_test).tolist() == [3, 3]


# Pixels


@pytest.mark.parametrize(
    "change",
    [
        {"x_test": Z / 255},
        {"x_train": X / 255.0},
        {"x_train": X.astype(np.uint16) * 257},
        {"x_test": (Z / 256).astype(np.uint8)},  # cast before it was multiplied
    ],
)
def test_two_scales_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match=r"Pixels of x_train go up to .* as on two scales"):
        checked(**change)


def test_an_overshoot_of_interpolation_is_not_taken_for_darkness() -> None:
    with pytest.raises(ValueError, match=r"1\.02: neither 0 to 1 nor 0 to 255.*x\.clip\(0, 1\)"):
        checked(x_train=X / 250.0)


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        (X // 16, Z // 16, "15 in x_train and 15 in x_test, but 255 is taken for white"),
        (X // 16 * 1.0, Z // 16 * 1.0, "divide each set by its own value of white, as in x / 15"),
        (X // 16, Z, "The largest pixel is 15 in x_train, but 255"),
        (X / 255**2, Z / 255**2, "0.00392157 in x_test, but 1 is taken for white"),
        (X * 0, Z * 0, "0 in x_train and 0 in x_test, but 1 is taken for white"),
        (X // 3, Z // 3, ""),  # dark photographs
        (X / 700, Z / 700, ""),
        (X // 128, Z // 128, ""),  # masks
        (X.astype(np.uint16) * 2, Z.astype(np.uint16) * 2, ""),  # 10 bits
    ],
)
def test_pixels_far_below_white_are_told(train: Any, test: Any, said: str) -> None:
    note = image_sets.dark_note(checked(x_train=train, x_test=test))
    assert (said in note) if said else not note


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.ma.array(X, mask=X == 0)}, r"x_train has masked pixels.*x\.filled\(0\)"),
        ({"x_train": [np.zeros((8, 8)), np.zeros((9, 9))]}, "images of several shapes"),
        ({"x_test": Y}, "The order is x_train, y_train, x_test, y_test"),
        ({"x_test": Z.reshape(10, 64)}, r"as flat rows pass x\.reshape\(-1, height, width\)"),
    ],
)
def test_what_is_no_array_of_images_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked(**change)


def test_an_axis_for_the_grey_channel_may_be_in_one_set_only() -> None:
    assert checked(x_test=Z[..., None]).input_shape == (8, 8, 1)


@pytest.mark.parametrize(
    ("given", "run"),
    [
        ("compare('new', [0, 1], 'new', [0, 1])", "path = sys.argv[1]; found = {}.x_train"),
        ("compare(x, y, x[:, 1:], y)", "found = {}"),
        ("compare(x[:, :7], y, x[:, :7], y)", "found = {}"),
        ("load(sys.argv[1])", "path = sys.argv[1]; found = {}.x_train"),
    ],
)
def test_hints_can_be_run(given: str, run: str, tmp_path: Path) -> None:
    """In a process that has imported the library and nothing else of it."""
    code = f"""
    import re, sys
    import numpy as np, thesis_lib
    x, y = np.zeros((4, 9, 9)), [0, 1, 0, 1]
    try:
        thesis_lib.{given}
    except ValueError as error:
        start, call = re.search(r": (from .*); (.*)\\.$", str(error)).groups()
    exec(start)
    exec({run!r}.format(call))
    print(found.shape)
    """
    path = folder(tmp_path / "photos", plain)
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ("(4, 64, 64)\n" if run == "found = {}" else "(6, 32, 32, 1)\n")


@pytest.mark.parametrize(
    ("pixel", "white", "expected"),
    [
        (0.4, 0.5, 204),
        (0.4, 1, 102),
        (0.4, 100.0, 1),
        (50, 100, 128),
        (50, 255, 50),
        (300, 600, 300),
        (3000, 4095, 3000),
        (50_000, 100_000, 32768),
    ],
)
def test_white_is_what_resizing_is_told(pixel: float, white: float, expected: int) -> None:
    found = loading.resized(np.full((1, 8, 8), pixel), 8, white=white)
    assert (found == expected).all()
    assert found.dtype == (np.uint16 if white > 255 else np.uint8)


def test_nothing_is_as_white_as_zero() -> None:
    assert loading.resized(X * 0, 8, white=1).max() == 0
    with pytest.raises(ValueError, match=r"white has to be a number above 0; got 0"):
        loading.resized(X * 0, 8, white=0)


def test_resizing_keeps_the_shades_of_sixteen_bits() -> None:
    deep = X.astype(np.uint16) * 257
    np.testing.assert_array_equal(loading.resized(deep, 8), deep)
    assert loading.resized(deep // 16, 8).max() == 4095


@pytest.mark.parametrize(
    ("images", "message"), [(X - 300.0, "negative pixels"), (X * np.nan, "NaN or infinite")]
)
def test_resizing_makes_nothing_up(images: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loading.resized(images, 16)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_copies_of_training_images_are_counted(kind: type) -> None:
    """A copy is one whatever numbers it comes in."""
    test = np.concatenate([Z[:6], X[3:7]]).astype(kind)
    assert checked(x_test=test).copies == 4
    assert checked().copies == 0


# What is found before anything is trained


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be trained, and no images be read."""

    def reached(*arguments: object, **settings: object) -> None:
        raise AssertionError("this should have been refused before")

    monkeypatch.setattr(method_runs, "train", reached)
    monkeypatch.setattr(method_runs, "seconds_of", reached)
    monkeypatch.setattr(loading, "load", reached)


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "/dev/null/result"], "/dev/null/result: no file can be written there"),
        (["--out", "/proc/result"], "/proc/result: no file can be written there"),
        (["--scheduler", "nonsense"], "No Dask scheduler answers at 'nonsense' (it has to be tcp"),
        (["--scheduler", "foo://x:1"], "No Dask scheduler answers at 'foo://x:1'"),
        (["--scheduler", "tcp://host"], "No Dask scheduler answers at 'tcp://host'"),
        (["--methods", "ros", "smoet"], "There is no method 'smoet'; did you mean smote"),
        (["--test-size", "1.5"], "test_size has to lie in (0, 1); got 1.5"),
        (["--split-seed", "-1"], "the seed of the split has to be a whole number from 0; got -1"),
        (["--size", "4"], "size has to be a whole number from 8 to 256; got 4"),
        (["--learning-rate", "0"], "learning_rate has to be a number above 0; got 0.0"),
        (["--batch-size", "0"], "batch_size has to be a whole number from 1; got 0"),
        (["--epochs", "0"], "epochs has to be a whole number from 1; got 0"),
        (["--seeds", "1", "-1"], "seeds have to be whole numbers from 0"),
    ],
)
def test_the_command_refuses_in_one_line(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare-on", str(tmp_path), "--out", str(tmp_path / "out"), *options]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("untrained")
def test_one_seed_is_warned_of_in_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AssertionError, match="refused before"):
        main(["compare-on", str(tmp_path), "--seeds", "3", "--out", str(tmp_path)])
    assert "For three write --seeds 1 2 3." in capsys.readouterr().err


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": 3}, r"seeds has to be a list; got 3\. For three seeds pass \[1, 2, 3\]"),
        ({"seeds": None}, "seeds has to be a list; got None"),
        ({"methods": None}, "methods has to be a list of names; got None"),
        ({"learning_rate": "0.1"}, "learning_rate has to be a number above 0; got '0.1'"),
        ({"epochs": "3"}, "epochs has to be a whole number from 1; got '3'"),
    ],
)
def test_settings_of_other_kinds_are_refused(settings: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        compare(X, Y, Z, W, **settings)


@pytest.mark.usefixtures("untrained")
def test_a_folder_that_takes_no_file_is_refused() -> None:
    with pytest.raises(OSError, match="no file can be written there") as caught:
        compare(X, Y, Z, W, folder="/dev/null/result")
    assert caught.value.filename == "/dev/null/result"


@pytest.mark.usefixtures("untrained")
def test_copies_are_told_before_the_training() -> None:
    told = pytest.warns(UserWarning, match="3 of 10 test images are copies of training images")
    with told, pytest.raises(AssertionError, match="refused before"):
        compare(X, Y, np.concatenate([Z[:7], X[:3]]), W)


@pytest.mark.usefixtures("untrained")
def test_another_scale_is_told_before_the_training() -> None:
    told = pytest.warns(UserWarning, match="The largest pixel is 15 in x_train and 15 in x_test")
    with told, pytest.raises(AssertionError, match="refused before"):
        compare(X // 16, Y, Z // 16, W)


@pytest.mark.usefixtures("eagerly")
def test_another_scale_is_told_with_the_result() -> None:
    with pytest.warns(UserWarning, match="The largest pixel is 15"):
        result = compare(X // 16, Y, Z // 16, W, methods=[], epochs=1, progress=False)
    assert result.caveats()[0].startswith("The largest pixel is 15 in x_train")
    for seeds in ([40], [40, 42]):
        runs = {BASELINE: binary(seeds), "ros": binary([70, 71][: len(seeds)])}
        found = made(runs, pixels_note=result.pixels_note)
        assert found.recommendation.count(found.caveats()[0]) == 1


# What a recommendation says of its ground


def test_copies_come_before_any_advice() -> None:
    runs = {BASELINE: binary([40, 42, 41, 44]), "ros": binary([70, 71, 73, 72])}
    assert made(runs).recommendation.startswith("Use Random oversampling")
    text = made(runs, copies=1).recommendation
    assert text.startswith("Compare again: 1 of 200 test images is a copy of training images, so")
    assert "As it is: Use Random oversampling" in text


def test_one_tested_class_is_no_ground_for_a_recommendation() -> None:
    """Who always answers with it is perfect."""
    base, ros = [[20, 80], [0, 0]], [[99, 1], [0, 0]]
    more = {"classes": ("stain", "whole"), "test_counts": np.array([100, 0])}
    result = made({BASELINE: [base] * 5, "ros": [ros] * 5}, **more)
    assert result.better() == ["ros"]
    assert result.recommendation.startswith(
        "1 class has no test image: whole; no measure says anything of it. No recommendation: with "
        "one tested class"
    )


def test_untested_classes_come_before_any_advice() -> None:
    tables = [np.diag([100, right, *[0] * 7]) for right in (40, 70)]
    for table in tables:
        table[1, 0] = 100 - table[1, 1]
    names = tuple(f"c{k}" for k in range(9))
    runs = {BASELINE: [tables[0]] * 4, "ros": [tables[1]] * 4}
    text = made(runs, classes=names, copies=1).recommendation
    start = "7 classes have no test image: c2, c3, c4, c5, c6 and 2 more; no measure says anything"
    assert text.startswith(start + " of them. Compare again: 1 of 200")


@pytest.mark.usefixtures("untrained")
def test_untested_classes_are_told_before_the_training() -> None:
    told = pytest.warns(UserWarning, match="1 class has no test image: 1; no measure")
    with told, pytest.raises(AssertionError, match="refused before"):
        compare(X, Y, Z, W * 0)


def test_a_split_names_the_classes_that_it_could_not_split(tmp_path: Path) -> None:
    names = np.array(["whole"] * 10 + ["stain\x1b[2J\n"])
    np.savez(tmp_path / "own.npz", x=np.zeros((11, 8, 8)), y=names)
    note = loading.load(tmp_path / "own.npz").note
    assert note.endswith(" 1 class of one image, not split but trained on: stain [2J.")


def test_rivals_that_may_be_as_good_are_named() -> None:
    """SMOTE leads oversampling by 1, 1, 2 and 0 images of a hundred: t = 2.45 at 3 degrees."""
    runs = {
        BASELINE: binary([40, 42, 41, 44]),
        "smote": binary([80, 83, 82, 81]),
        "ros": binary([79, 82, 80, 81]),
        "rus": binary([50, 52, 51, 54]),
    }
    text = made(runs).recommendation
    assert "Not shown to be worse than it, seed by seed: Random oversampling." in text
    runs["ros"] = binary([79, 82, 81, 80])  # 1 image each: always the same
    assert "Not shown" not in made(runs).recommendation


def test_classes_with_few_test_images_are_named() -> None:
    table = [[20, 0, 0], [1, 9, 0], [2, 0, 7]]
    text = made({BASELINE: [table, table], "ros": [table, table]}).recommendation
    assert "Fewer than ten test images, too few to judge a class by: c2." in text


def test_few_updates_are_said() -> None:
    """2010 + 2 images in batches of 32 are 63 batches."""
    runs = {BASELINE: binary([40, 42]), "ros": binary([70, 71])}
    counts = np.array([2010, 2])
    for epochs, said in ((1, True), (2, False)):
        settings = {"epochs": epochs, "batch_size": 32}
        result = made(runs, settings=settings, train_counts=counts)
        assert result.updates == 63 * epochs
        assert ("made only 63 updates" in result.recommendation) == said


def test_a_result_shows_itself_in_a_line() -> None:
    shown = repr(made({BASELINE: binary([40, 42]), "ros": binary([70, 71])}))
    assert shown.startswith("<Comparison of 2 methods with 2 seeds on 2 classes; see")
    assert repr(made({BASELINE: binary([40])})).startswith("<Comparison of 1 method with 1 seed on")


def test_one_comparison_is_one() -> None:
    for gained in (40, 70):
        text = made({BASELINE: binary([40] * 3), "ros": binary([gained] * 3)}).recommendation
        assert re.search(r"for 1 comparison\b", text)


# The parts by themselves


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([0, 1], [[0.8, 0.2], [0.6, 0.4]], r"Pass keras\.utils\.to_categorical\(y, 2\)"),
        ([[0], [1]], [[0.8, 0.2], [0.6, 0.4]], r"Pass keras\.utils\.to_categorical\(y, 2\)"),
        ([[0.0], [1.0]], [[0.2], [0.6]], r"end the network with Dense\(2, activation='softmax'\)"),
    ],
)
def test_a_loss_says_how_labels_become_one_hot(true: Any, predicted: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        losses.FocalLoss()(np.array(true), np.array(predicted))


def test_weights_are_no_dictionary() -> None:
    with pytest.raises(ValueError, match="class_weight has to be a list, a number a class"):
        losses.FocalLoss(2, {0: 1, 1: 5})


@pytest.mark.parametrize(
    ("labels", "advice"),
    [
        (np.array(["a", "b"])[Y], r"numpy\.unique\(y, return_inverse=True\)\[1\]"),
        (np.eye(2)[Y], r"y\.argmax\(1\)"),
        (Y * 1.0, r"y\.astype\(int\)"),
    ],
)
def test_resampling_says_how_labels_become_numbers(labels: np.ndarray, advice: str) -> None:
    with pytest.raises(TypeError, match=advice):
        resampling.smote(X, labels)


# The package


def test_parts_of_the_package_are_there_when_asked_for() -> None:
    code = "import sys, thesis_lib; print(dir(thesis_lib), thesis_lib.metrics.MEASURES[0])"
    code += "; sys.exit('keras' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    names = [
        "Comparison",
        "TrainedMethod",
        "__version__",
        "compare",
        "compare_splits",
        "fit",
        "load",
    ]
    assert found.stdout == f"{names} Balanced accuracy\n"


# What an installation has


def test_a_style_needs_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython is what the book needs, and not what who installs the library has."""
    for name in [m for m in sys.modules if m.split(".")[0] in ("IPython", "matplotlib_inline")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    set_style()
    assert mpl.rcParams["svg.hashsalt"] == "thesis"


def test_what_is_imported_is_declared() -> None:
    """A wheel brings these packages along; others need an extra, or belong to one of these."""
    package = Path(thesis_lib.__file__).parent
    project = tomllib.loads((package.parent / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[^\w-]", name)[0].lower() for name in project["dependencies"]}
    providers = importlib.metadata.packages_distributions()
    imported = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    needed = imported - sys.stdlib_module_names - {"thesis_lib"}
    others = {"distributed", "cloudpickle", "jax", "matplotlib_inline", "cycler"}
    assert "PIL" in needed
    for name in needed - others:
        assert declared & {provider.lower() for provider in providers[name]}, name
