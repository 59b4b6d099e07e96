"""The commands that train the method that was chosen, and classify image files with it."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import thesis_lib
from tests.test_comparison import squares
from tests.test_own_data import photos
from tests.test_own_network import one_layer
from thesis_lib.__main__ import main
from thesis_lib.own import image_files, loading, trained_method

FIT = ["--method", "ros", "--epochs", "3", "--batch-size", "4", "--size", "16"]


def test_files_are_classified_as_arrays_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what lies deeper, once each; what cannot be read is said, and stops nothing."""
    folder = photos(tmp_path / "photos", {"dark": 8, "hell, weiß": 4})
    model = tmp_path / "new" / "ros.keras"
    assert main(["fit-on", str(folder), *FIT, "--out", str(model)]) == 0
    said = capsys.readouterr().out
    assert "12 images from photos, resized to 16×16." in said
    assert f"{model}: Random oversampling, trained on 12 images." in said
    (folder / "broken.png").write_text("no image")
    (folder / ".hidden.png").write_text("no image")
    assert main(["predict-on", str(model), str(folder), str(folder / "dark" / "0.png")]) == 1
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 12
    assert "broken.png is no image that can be read" in err
    assert "1 file of 13 not classified." in err
    trained = thesis_lib.load(model)
    x, y, _ = loading.load_to_fit(folder, size=16)
    assert [Path(row["file"]).parent.name for row in rows] == y.tolist()
    assert [row["predicted"] for row in rows] == trained.predict(x).tolist()
    highest = trained.predict_proba(x).max(1)
    np.testing.assert_allclose([float(row["probability"]) for row in rows], highest, atol=1e-4)
    assert main(["predict-on", str(model), str(folder / "dark"), "--probabilities"]) == 0
    each = csv.DictReader(io.StringIO(capsys.readouterr().out))
    found = [[float(r[f"probability of {name}"]) for name in trained.classes_] for r in each]
    np.testing.assert_allclose(found, trained.predict_proba(x[:8]), atol=1e-4)


def classified(
    folder: Path, images: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str], str]:
    """Train on those images, and return what the command makes of the files in a folder."""
    y = np.arange(len(images)) % 2
    trained = thesis_lib.fit(images, y, method="ros", epochs=1, network=one_layer, progress=False)
    model = trained.save(folder.parent / "model.keras")
    capsys.readouterr()
    status = main(["predict-on", str(model), str(folder), "--probabilities"])
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    for row in rows:  # as of an array with the same pixels
        pixels = np.asarray(Image.open(row["file"]))[None]
        expected = trained.predict_proba(pixels)[0]
        found = [float(row[f"probability of {name}"]) for name in (0, 1)]
        np.testing.assert_allclose(found, expected, atol=1e-4)
    return status, [Path(row["file"]).name for row in rows], err


def test_a_file_on_another_scale_is_named_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = squares([6, 6], 0)[0][..., 0].astype(np.uint16) * 16  # 12 bits
    (tmp_path / "new").mkdir()
    for name, image in (("a", deep[0]), ("b", np.full((8, 8), 10000, np.uint16)), ("c", deep[1])):
        Image.fromarray(image).save(tmp_path / "new" / f"{name}.png")
    status, files, err = classified(tmp_path / "new", deep, capsys)
    assert (status, files) == (1, ["a.png", "c.png"])
    assert err == (
        f"thesis-lib: {tmp_path / 'new' / 'b.png'} has pixels up to 10000, but white was 4095 in "
        "training. Save it on that scale, or train with a larger white.\n"
        "thesis-lib: 1 file of 3 not classified.\n"
    )


def test_a_photograph_of_the_night_is_on_the_scale_of_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its largest pixel is 1, which is white where pixels are floats."""
    (tmp_path / "new").mkdir()
    night = np.eye(8, dtype=np.uint8)
    Image.fromarray(night).save(tmp_path / "new" / "8.png")
    bright = squares([6, 6], 0)[0][..., 0]
    assert classified(tmp_path / "new", bright, capsys) == (0, ["8.png"], "")
    Image.fromarray(night.astype(np.uint16) * 257).save(tmp_path / "new" / "16.png")
    found = image_files.read_like(tmp_path / "new" / "16.png", (8, 8, 1), 255, "uint8")
    np.testing.assert_array_equal(found[..., 0], night)
    assert found.dtype == np.uint8


def masks(folder: Path, white: int, dtype: type) -> Path:
    """Two classes: the right half of a mask is set, or the lower one, and noise on it."""
    rng = np.random.default_rng(0)
    for name, half in (("right", np.s_[:, 4:]), ("lower", np.s_[4:, :])):
        (folder / name).mkdir(parents=True)
        for k in range(6):
            mask = (rng.random((8, 8)) < 0.1).astype(dtype)
            mask[half] = 1
            Image.fromarray(mask * dtype(white)).save(folder / name / f"{k}.png")
    return folder


@pytest.mark.parametrize(
    ("white", "dtype", "options"),
    [
        (1, np.uint8, []),
        (7, np.uint8, ["--white", "7"]),
        (1, np.uint16, []),
        (255, np.uint16, []),
        (4095, np.uint16, []),
        (900, np.uint16, ["--white", "1000"]),
    ],
)
def test_files_are_scaled_as_in_training(
    white: int,
    dtype: type,
    options: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each alone, a black one too, although 1 is white in a folder of masks of 0 and 1."""
    folder, model = masks(tmp_path / "masks", white, dtype), str(tmp_path / "a.keras")
    fit = ["--method", "ros", "--epochs", "3", "--batch-size", "4", "--size", "8", *options]
    assert main(["fit-on", str(folder), *fit, "--learning-rate", "0.01", "--out", model]) == 0
    (tmp_path / "new").mkdir()
    Image.fromarray(np.zeros((8, 8), dtype)).save(tmp_path / "new" / "black.png")
    capsys.readouterr()
    files = [*sorted(folder.rglob("0.png")), tmp_path / "new" / "black.png"]
    trained = thesis_lib.load(model)
    expected = trained.predict_proba(np.stack([np.asarray(Image.open(file)) for file in files]))
    assert np.ptp(expected[:, 0]) > 0.05
    for file, row in zip(files, expected, strict=True):
        assert main(["predict-on", model, str(file), "--probabilities"]) == 0
        (found,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
        for name, probability in zip(trained.classes_, row, strict=True):
            assert float(found[f"probability of {name}"]) == pytest.approx(probability, abs=1e-4)


def test_masks_on_another_scale_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.random.default_rng(0).integers(0, 2, (12, 8, 8), dtype=np.uint8)
    (tmp_path / "new").mkdir()
    Image.fromarray(x[0]).save(tmp_path / "new" / "1.png")
    Image.fromarray(x[0] * np.uint8(255)).save(tmp_path / "new" / "255.png")
    status, files, err = classified(tmp_path / "new", x, capsys)
    assert (status, files) == (1, ["1.png"])
    assert "255.png has pixels up to 255, but white was 1 in training. Save it on that" in err


def test_an_older_classifier_reads_files_as_it_did(tmp_path: Path) -> None:
    """It does not know what it was trained on; floats from 0 to 1 are most likely."""
    Image.fromarray(np.full((8, 8), 51, np.uint8)).save(tmp_path / "a.png")
    found = image_files.read_like(tmp_path / "a.png", (8, 8, 1), 1, "")
    np.testing.assert_allclose(found, 0.2, rtol=1e-6)


@pytest.mark.parametrize(
    ("step", "command", "left"),
    [
        ("fit", ["fit-on", "photos", *FIT, "--out", "a.keras"], "no network is saved"),
        (
            "load",
            ["predict-on", "a.keras", "photos"],
            "files without a line in the table are not classified",
        ),
    ],
)
def test_an_interrupt_says_what_is_left(
    step: str,
    command: list[str],
    left: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*arguments: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trained_method, step, interrupted)
    photos(Path("photos"), {"dark": 2, "light": 2})
    assert main(command) == 130
    assert capsys.readouterr().err == f"thesis-lib: interrupted; {left}.\n"


def test_what_is_split_is_trained_on_in_part(tmp_path: Path) -> None:
    photos(tmp_path / "both" / "train", {"dark": 5, "light": 3})
    photos(tmp_path / "both" / "test", {"dark": 2, "light": 2})
    x, y, note = loading.load_to_fit(tmp_path / "both", size=16)
    assert len(x) == len(y) == 8
    assert note.endswith("Those of test are not trained on.")
    file = tmp_path / "sets.npz"
    np.savez(file, x_train=x, y_train=y, x_test=x[:2], y_test=y[:2])
    found, _, note = loading.load_to_fit(file)
    np.testing.assert_array_equal(found, x)
    assert note == "sets.npz. x_test is not trained on."
    np.savez(file, x=x, y=y)
    assert loading.load_to_fit(file)[2] == "sets.npz."


@pytest.mark.parametrize(
    ("white", "values"),
    [
        (1, (0, 100 / 255, 1)),
        (1.5, (0, 150 / 255, 1.5)),
        (255, (0, 100, 255)),
        (65535, (0, 100 * 257, 65535)),
    ],
)
def test_files_come_on_the_scale_of_training(
    tmp_path: Path, white: float, values: tuple[float, ...]
) -> None:
    """Of 8 bits and of 16, for arrays that were trained on as floats, bytes or deeper."""
    grey = np.repeat(np.array([0, 100, 255], np.uint8), 3).reshape(3, 3)
    Image.fromarray(grey).save(tmp_path / "8.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "16.png")
    for name in ("8.png", "16.png"):
        dtype = "float64" if white < 255 else "uint8" if white == 255 else "uint16"
        found = image_files.read_like(tmp_path / name, (3, 3, 3), white, dtype)
        assert found.shape == (3, 3, 3)
        np.testing.assert_allclose(found[:, 0, 0], values, rtol=1e-5)


def test_images_that_a_network_does_not_take(tmp_path: Path) -> None:
    colours = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(colours).save(tmp_path / "c.png")
    with pytest.raises(ValueError, match="is in colour, and the network was trained on grey"):
        image_files.read_like(tmp_path / "c.png", (4, 4, 1), 255, "uint8")
    for shape in ((4, 5, 3), (4, 4, 4)):
        with pytest.raises(ValueError, match="Read them yourself and pass them to predict"):
            image_files.read_like(tmp_path / "c.png", shape, 255, "uint8")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["fit-on", "photos", "--method", "roz", "--out", "a.keras"], "no method 'roz'"),
        (["fit-on", "photos", "--method", "ros", "--out", "a.h5"], "a.h5 has to end in .keras"),
        (["fit-on", "missing", "--method", "ros", "--out", "a.keras"], "no file or folder missing"),
        (["predict-on", "a.keras", "missing"], "no file or folder missing"),
        (["predict-on", "a.keras", "empty"], "empty holds no images: files that end in .png"),
        (["predict-on", "a.keras", "photos"], "There is no file a.keras"),
        (["predict-on", "photos", "photos"], "photos is a folder; load reads the file that Train"),
    ],
)
def test_slips_are_told_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    photos(Path("photos"), {"dark": 2, "light": 2})
    Path("empty").mkdir()
    assert main(command) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
