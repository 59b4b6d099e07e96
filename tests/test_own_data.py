"""Loading one's own images, and the command that compares methods on them."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.test_comparison import binary, made, squares
from thesis_lib.__main__ import main
from thesis_lib.own import comparison, loading, offered, trained_method
from thesis_lib.own.offered import BASELINE

mpl.use("Agg")


def photos(folder: Path, counts: dict[str, int], *, grey: bool = False) -> Path:
    """One sub-folder a class, images of several sizes and kinds."""
    rng = np.random.default_rng(0)
    for position, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for k in range(count):
            pixels = rng.integers(0, 60, (20 + k, 24, 3), dtype=np.uint8)
            pixels[..., :] = pixels[..., :1] if grey else pixels
            pixels[:10] += np.uint8(120 * position)
            suffix = ("png", "JPG")[k % 2] if not grey else "png"
            Image.fromarray(pixels).save(folder / name / f"{k}.{suffix}")
    return folder


def test_a_folder_of_images(tmp_path: Path) -> None:
    photos(tmp_path, {"whole": 10, "scratched": 4, ".hidden": 3, "later": 0})
    (tmp_path / "whole" / "notes.txt").write_text("not an image")
    (tmp_path / "loose.PNG").write_text("in no class")
    found = loading.load(tmp_path, size=16)
    assert found.x_train.shape == (7 + 3, 16, 16, 3)
    assert found.x_train.dtype == np.uint8
    assert sorted(found.y_test) == ["scratched", "whole", "whole", "whole"]
    assert "14 images" in found.note
    assert "without images: later" in found.note
    assert "in no sub-folder and left out: loose.PNG" in found.note
    assert "30% of each class, drawn with seed 0, are the test set." in found.note


def test_a_folder_that_is_split_already(tmp_path: Path) -> None:
    photos(tmp_path / "train", {"dark": 5, "light": 3}, grey=True)
    photos(tmp_path / "test", {"dark": 2, "light": 2})
    found = loading.load(tmp_path, size=16)
    assert found.x_train.shape == (8, 16, 16, 3)  # the training images are grey, those of the test
    assert found.x_test.shape == (4, 16, 16, 3)
    assert found.y_test.tolist() == ["dark", "dark", "light", "light"]
    for x, y in ((found.x_train, found.y_train), (found.x_test, found.y_test)):
        np.testing.assert_array_equal(x[:, :6].mean((1, 2, 3)) > 100, y == "light")
    assert found.note.startswith("8 images from train, resized to 16×16. 4 images from test")


def test_a_table_of_files(tmp_path: Path) -> None:
    """As spreadsheets write it; a label may be NA, which pandas would take for none."""
    folder = photos(tmp_path / "photos", {"a": 6, "b": 6}, grey=True)
    files = sorted(path.relative_to(tmp_path) for path in folder.rglob("*.png"))
    rows = pd.DataFrame({"file": files, "label": ["NA"] * 6 + ["01"] * 6, "note": ""})
    table = tmp_path / "labels.csv"
    rows.to_csv(table, index=False, encoding="utf-8-sig")
    found = loading.load(table, size=16, test_size=0.5)
    assert found.note.startswith("12 images from labels.csv, resized to 16×16. 50% of each class")
    for x, y in ((found.x_train, found.y_train), (found.x_test, found.y_test)):
        assert sorted(y) == ["01"] * 3 + ["NA"] * 3
        np.testing.assert_array_equal(x[:, :6].mean((1, 2, 3)) > 100, y == "01")
    rows.assign(set=["train", "train", "Test "] * 4).to_csv(table, index=False)
    found = loading.load(table, size=16)
    assert (len(found.y_train), len(found.y_test)) == (8, 4)
    assert "8 images from labels.csv (train), resized to 16×16. 4 images from" in found.note


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,class\na,b\n", "has to have the columns file and label, .* it has path, class"),
        ("file;label\na;b\n", "with commas between them; it has file;label"),
        ("", "labels.csv could not be read: No columns"),
        ("file,label\n", r"^labels\.csv has a head \(file, label\) and no rows; write a line for"),
        ("file,label,set\n\n", r"^labels\.csv has a head \(file, label, set\) and no rows; write"),
        ("file,label\nmissing.png,b\n", "files that are not there: .*missing.png"),
        ("file,label\na.png,\nb.png,x\n", "lacks a file or a label in line 2"),
        ("file,label\na.png,x\na.png,y\n", "names files more than once: a.png"),
        ("file,label,set\na.png,x,train\nb.png,x,val\n", "and both; it says train, val"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    for load in (loading.load, loading.load_to_fit, loading.load_unsplit):
        with pytest.raises(ValueError, match=message):
            load(tmp_path / "labels.csv")


def test_the_rows_keep_their_labels(tmp_path: Path) -> None:
    photos(tmp_path, {"dark": 10, "light": 4})
    found = loading.load(tmp_path, size=16)
    for x, y in ((found.x_train, found.y_train), (found.x_test, found.y_test)):
        np.testing.assert_array_equal(x[:, :6].mean((1, 2, 3)) > 100, y == "light")


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    found = loading.load(photos(tmp_path, {"a": 3, "b": 3}, grey=True))
    assert found.x_train.shape == (4, 32, 32, 1)


def test_a_transparent_ground_is_white(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGBA", (9, 9), (255, 0, 0, 0)).save(tmp_path / name / "clear.png")
    assert loading.load(tmp_path, size=8).x_train.min() == 255


def test_a_file_split_already(tmp_path: Path) -> None:
    (x, y), (z, w) = squares([14, 6], 0), squares([5, 5], 1)
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=z, y_test=w, extra=y)
    found = loading.load(tmp_path / "own.npz")
    for name, array in (("x_train", x), ("y_train", y), ("x_test", z), ("y_test", w)):
        np.testing.assert_array_equal(getattr(found, name), array)
    assert loading.load(tmp_path / "own.npz", size=12).x_test.shape == (10, 12, 12, 1)


def test_a_file_is_split_class_by_class(tmp_path: Path) -> None:
    y = np.repeat([0, 1, 2, 3], [100, 10, 2, 1])
    np.savez(tmp_path / "own.npz", x=np.arange(len(y))[:, None, None] * np.ones((8, 8)), y=y)
    found = loading.load(tmp_path / "own.npz")
    assert np.bincount(found.y_train).tolist() == [70, 7, 1, 1]
    assert np.bincount(found.y_test).tolist() == [30, 3, 1]
    rows = np.concatenate([found.x_train, found.x_test])[:, 0, 0]
    assert sorted(rows) == list(range(len(y)))


def test_resizing_keeps_the_mean_and_the_range() -> None:
    x = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    small = loading.resized(x, 10)
    assert small.shape == (3, 10, 10, 3)
    np.testing.assert_allclose(small.mean((1, 2)), x.mean((1, 2)), atol=4)
    np.testing.assert_array_equal(loading.resized(x / 255, 10), small)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
def test_masks_of_zeros_and_ones_keep_their_greys(dtype: type) -> None:
    stripes = np.tile([0, 1], (2, 16, 8)).astype(dtype)
    assert loading.resized(stripes, 8)[:, 2:6, 2:6].min() > 100
    np.testing.assert_array_equal(loading.resized(stripes, 16), 255 * stripes.astype(np.uint8))


def test_sets_on_two_scales_are_refused_before_resizing_hides_it(tmp_path: Path) -> None:
    (x, y), (z, w) = squares([14, 6], 0), squares([5, 5], 1)
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=z // 255, y_test=w)
    with pytest.raises(ValueError, match="those of x_test up to 0, as on two scales"):
        loading.load(tmp_path / "own.npz", size=8)
    with pytest.raises(
        ValueError, match=f"images has pixels up to {x.max()}, but white is 1. Give"
    ):
        loading.resized(x, 8, white=1)


def text_file(folder: Path) -> Path:
    (folder / "list.txt").write_text("")
    return folder / "list.txt"


def broken_file(folder: Path) -> Path:
    (folder / "broken.npz").write_bytes(b"PK no archive")
    return folder / "broken.npz"


def torn_file(folder: Path) -> Path:
    np.savez(folder / "torn.npz", x=np.arange(4000), y=[0, 1])
    whole = (folder / "torn.npz").read_bytes()
    damaged = whole[:500] + bytes(2000) + whole[2500:]
    (folder / "torn.npz").write_bytes(damaged)
    return folder / "torn.npz"


def empty_folder(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


def objects(folder: Path) -> Path:
    np.savez(folder / "o.npz", x=np.array([None, "a"], dtype=object), y=[0, 1])
    return folder / "o.npz"


def other_keys(folder: Path) -> Path:
    np.savez(folder / "k.npz", images=[0], labels=[1])
    return folder / "k.npz"


def no_images(folder: Path) -> Path:
    np.savez(folder / "none.npz", x=np.zeros((0, 8, 8)), y=np.zeros(0, int))
    return folder / "none.npz"


def one_class(folder: Path) -> Path:
    return photos(folder / "one", {"only": 3})


def broken_image(folder: Path) -> Path:
    photos(folder / "p", {"a": 2, "b": 2})
    (folder / "p" / "a" / "0.png").write_bytes(b"no image")
    return folder / "p"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "none", "There is no file or folder"),
        (text_file, r"list.txt has to be a folder, or end in \.npz or \.csv"),
        (broken_file, "broken.npz could not be read: it is no archive of arrays"),
        (torn_file, "torn.npz could not be read"),
        (empty_folder, "at least two sub-folders, one a class, .* it has 0"),
        (objects, "not as objects"),
        (no_images, r"y has to be one axis of labels, not empty; got \(0,\)"),
        (other_keys, "has to hold x_train, .* or x and y; it holds images, labels"),
        (one_class, "at least two sub-folders, one a class, .* it has 1"),
        (broken_image, "0.png is no image that can be read"),
    ],
)
def test_what_cannot_be_loaded(
    make: Callable[[Path], Path],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = make(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        loading.load(path)
    assert main(["compare-on", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("thesis-lib: ")
    assert re.search(message, error)
    assert "Traceback" not in error


def test_the_command_compares_and_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos(tmp_path / "photos", {"whole": 12, "scratched": 6})
    arguments = ["compare-on", str(tmp_path / "photos"), "--methods", "prior-correction"]
    arguments += ["--seeds", "1", "2", "--epochs", "1", "--size", "8"]
    arguments += ["--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "18 images from photos, resized to 8×8" in said
    assert "2 networks of 1 epoch to train: about" in said
    assert "Prior correction" in said
    assert "No method is clearly better" in said or "Use Prior correction" in said
    table = pd.read_csv(tmp_path / "out" / "table.csv", index_col=0)
    assert list(table.index) == ["Cross-entropy (baseline)", "Prior correction"]
    assert "Recall scratched" in table.columns
    assert "scratched" in (tmp_path / "out" / "report.html").read_text("utf-8")
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "18 images from photos, resized to 8×8. 30% of each class, drawn with seed 0" in report
    assert main(arguments) == 0  # all is recorded: nothing to train, nothing to estimate
    said = capsys.readouterr().out
    assert "to train" not in said
    assert "Recorded already, and not trained again: 2 of 2 networks." in said


def test_the_command_says_how_to_train_what_it_recommends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command that it prints is one that the program takes."""
    runs = {BASELINE: binary([10, 12, 11]), "ros": binary([80, 82, 83])}
    monkeypatch.setattr(comparison, "compare", lambda *images, **settings: made(runs))
    folder = photos(tmp_path / "my photos", {"a": 3, "b": 3})
    options = ["--out", str(tmp_path / "out"), "--epochs", "30", "--size", "16", "--white", "300"]
    assert main(["compare-on", str(folder), *options]) == 0
    (line,) = [s for s in capsys.readouterr().out.splitlines() if s.startswith("To train it")]
    command = shlex.split(line.split(": ", 1)[1])
    assert command[:5] == ["thesis-lib", "fit-on", str(folder), "--method", "ros"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trained_method, "fit", lambda x, y, **settings: pytest.fail(str(settings)))
    settings = {"method": "ros", "seed": 1, "epochs": 30, "batch_size": 32}
    settings |= {"learning_rate": 0.001, "white": 300.0}
    with pytest.raises(pytest.fail.Exception, match=re.escape(str(settings))):
        main(command[1:])


def test_settings_and_the_split_are_given_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {}

    def compared(*images: np.ndarray, **settings: object) -> None:
        asked.update(settings, tested=len(images[2]))
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "compare", compared)
    photos(tmp_path / "photos", {"a": 10, "b": 10})
    command = ["compare-on", str(tmp_path / "photos"), "--out", str(tmp_path / "out")]
    command += ["--learning-rate", "0.0002", "--batch-size", "8"]
    assert main([*command, "--test-size", "0.5", "--split-seed", "7"]) == 130
    assert (asked["learning_rate"], asked["batch_size"], asked["tested"]) == (0.0002, 8, 10)
    assert "50% of each class, drawn with seed 7, are the test set." in capsys.readouterr().out


def test_help_names_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["compare-on", "--help"])
    said = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    assert f"(default: {' '.join(offered.DEFAULT_METHODS)})" in said
    assert "(default: 32 for image files;" in said
    assert "--white WHITE value of a white pixel in the arrays or image files, such as 4095" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--methods", "ros,smote"], "argument --methods: separate them by spaces: ros smote"),
        (["--seeds", "1,2, 3"], "argument --seeds: separate them by spaces: 1 2 3"),
        (["--seeds", "one"], "argument --seeds: 'one' is no whole number"),
        (["--smote", "--x"], "unrecognized arguments: --smote --x"),
    ],
)
def test_lists_and_unknown_options_on_the_command_line(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["compare-on", "photos", *options])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.endswith(f"thesis-lib compare-on: error: {message}\n")
    assert error.startswith("usage: thesis-lib compare-on")


def test_an_unknown_method_names_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos(tmp_path / "photos", {"a": 3, "b": 3})
    assert main(["compare-on", str(tmp_path / "photos"), "--methods", "focall"]) == 2
    said = capsys.readouterr()
    assert "There is no method 'focall'; did you mean focal" in said.err
    assert said.out == ""  # before the images are read


def test_an_interrupted_command_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*images: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "compare", interrupted)
    photos(tmp_path / "photos", {"a": 3, "b": 3})
    command = ["compare-on", str(tmp_path / "photos"), "--out", str(tmp_path / "out")]
    assert main(command) == 130
    error = capsys.readouterr().err
    where = tmp_path / "out" / "records"
    assert error == (
        f"thesis-lib: interrupted; what is finished lies in {where}, and the same command goes on "
        "from there.\n"
    )
