"""One method trained on one's own images: it classifies as the comparison measured it."""

import functools
import json
import os
import pickle
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thesis_lib
from tests.test_comparison import quick, squares
from thesis_lib import metrics
from thesis_lib.own import offered, trained_method
from thesis_lib.own.offered import BASELINE

TRAIN, TEST = squares([40, 20, 6], 0), squares([20, 20, 20], 1)
SETTINGS = {"epochs": 3, "batch_size": 33, "learning_rate": 0.01}
pytestmark = pytest.mark.usefixtures("eagerly")


def fitted(method: str = BASELINE, **change: Any) -> trained_method.TrainedMethod:
    arguments = {"x": TRAIN[0], "y": TRAIN[1], "progress": False, **SETTINGS, **change}
    return thesis_lib.fit(method=method, **arguments)


@functools.cache
def a_baseline() -> trained_method.TrainedMethod:
    return fitted(epochs=1)


def test_it_is_what_the_comparison_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resampling, two stages, members, and both decisions."""
    two = {**offered.METHODS["balanced-ensemble"], "members": 2}
    monkeypatch.setitem(offered.METHODS, "balanced-ensemble", two)
    methods = ["crt", "balanced-ensemble", "prior-correction", "tuned-threshold"]
    compared = quick(TRAIN, TEST, methods=methods, seeds=[3], **SETTINGS)
    outputs = {}
    for method in [BASELINE, *methods]:
        trained = fitted(method, seed=3)
        table = metrics.confusion(TEST[1], trained.predict(TEST[0]), 3)
        np.testing.assert_array_equal(table, compared.confusions[method][3], method)
        outputs[method] = trained.predict_proba(TEST[0])
        np.testing.assert_allclose(outputs[method].sum(1), 1, atol=1e-5)
        members = [one for one in trained.network.layers if one.name.startswith("network_")]
        assert len(members) == (2 if "ensemble" in method else 1)
    assert not np.allclose(outputs["prior-correction"], outputs[BASELINE])


def test_curves_are_those_of_the_comparison_and_are_saved(tmp_path: Path) -> None:
    compared = quick(TRAIN, TEST, methods=["ros"], seeds=[3], **SETTINGS)
    trained = fitted("ros", seed=3)
    assert trained.loss_curve == compared.loss_curves["ros"][3]
    assert len(trained.accuracy_curve) == SETTINGS["epochs"]
    assert all(0 <= share <= 1 for share in trained.accuracy_curve)
    again = thesis_lib.load(trained.save(tmp_path / "squares.keras"))
    assert again.loss_curve == trained.loss_curve
    assert again.accuracy_curve == trained.accuracy_curve


def without(file: Path, *keys: str) -> Path:
    """Take facts out of a saved classifier, as a release that did not know them wrote it."""
    older = file.with_name(f"older-{file.name}")
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(older, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "thesis_lib.json":
                facts = json.loads(content)
                content = json.dumps({k: facts[k] for k in facts.keys() - set(keys)}).encode()
            copy.writestr(name, content)
    return older


def test_a_file_of_an_older_release_loads(tmp_path: Path) -> None:
    trained = a_baseline()
    file = trained.save(tmp_path / "squares.keras")
    older = thesis_lib.load(without(file, "loss_curve", "accuracy_curve", "dtype"))
    assert older.loss_curve == older.accuracy_curve == ()
    assert (older.dtype, trained.dtype, thesis_lib.load(file).dtype) == ("", "uint8", "uint8")
    np.testing.assert_allclose(older.predict_proba(TEST[0]), trained.predict_proba(TEST[0]))


def test_labels_come_back_as_they_were_given() -> None:
    for labels in (np.array(["a", "b", "ü"]), np.array([7, -2, 10])):
        trained = fitted(y=labels[TRAIN[1]], epochs=8, batch_size=22)
        assert set(trained.classes_) == set(labels)
        right = trained.predict(TEST[0]) == labels[TEST[1]]
        assert right.mean() > 0.8
    assert fitted(y=np.eye(3)[TRAIN[1]], epochs=1).classes_.tolist() == [0, 1, 2]


def test_pixels_are_scaled_as_in_training() -> None:
    trained = fitted(epochs=2)
    assert trained.scale == 255
    whole = trained.predict_proba(TEST[0])
    for images in (TEST[0][:1], TEST[0][:1].astype(float), TEST[0][:1, ..., 0]):
        np.testing.assert_allclose(trained.predict_proba(images)[0], whole[0], rtol=1e-4)
    assert np.isfinite(trained.predict_proba(TEST[0] * 0)).all()  # black is on every scale
    for images, message in (
        (TEST[0] / 255, "Pixels of x go up to .*, but white was 255 in training"),
        (TEST[0].astype(np.uint16) * 257, "but white was 255"),
        (np.repeat(TEST[0], 3, -1), r"shape \(8, 8, 3\); trained was on \(8, 8, 1\)"),
        (TEST[0][:0], "x has to be .* not empty"),
        ([TEST[0][0], TEST[0][1][:7]], "x holds images of several shapes"),
    ):
        with pytest.raises(ValueError, match=message):
            trained.predict(images)


def test_eight_bits_are_not_taken_for_more() -> None:
    """Bytes are on no scale of 12 bits; each advice brings them to it, or says that they are."""
    deep = TRAIN[0].astype(np.uint16) * 16
    trained = fitted(x=deep, epochs=2)
    assert trained.scale == 4095
    with pytest.raises(ValueError, match=r"8 bits a pixel \(uint8\), but white was 4095") as told:
        trained.predict(TEST[0])
    scaled, same = re.findall(r"Pass (.*) if white is 255 in x, or (.*) if it is 4095", str(told))[
        0
    ]
    x = TEST[0].copy()
    x[0, 0, 0] = 255  # white, which may not end above 4095
    expected = trained.predict_proba(x.astype(float) / 255 * trained.scale)
    found = trained.predict_proba(eval(scaled, {"x": x}))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    dark = trained.predict_proba(eval(same, {"x": x}))
    np.testing.assert_allclose(dark, trained.predict_proba(x.astype(np.int64)), atol=1e-6)
    assert not np.allclose(dark, found, atol=0.01)


def by_keras_alone(files: list[Path], images: np.ndarray, afterwards: str = "") -> list[Any]:
    """Return what saved networks say of images in a process without this library.

    The last of them is what the code prints that runs there ``afterwards``.
    """
    folder = files[0].parent
    np.save(folder / "x.npy", images)
    code = (
        "import sys, keras, numpy as np; x = np.load('x.npy')\n"
        "for name in sys.argv[1:]:\n"
        "    network = keras.saving.load_model(name)\n"
        "    np.save(name + '.npy', network.predict(x, verbose=0))\n"
        f"assert 'thesis_lib' not in sys.modules\n{afterwards}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *(file.name for file in files)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        check=True,
        capture_output=True,
        text=True,
    )
    return [*(np.load(f"{file}.npy") for file in files), done.stdout.strip()]


def test_what_is_saved_loads_with_keras_alone_decision_and_all(tmp_path: Path) -> None:
    """It takes pixels as they came, and corrects the prior."""
    trained = fitted("prior-correction", epochs=1)
    file = trained.save(tmp_path / "new" / "squares.keras")
    assert file.is_file()
    found, _ = by_keras_alone([file], TEST[0])
    np.testing.assert_allclose(found, trained.predict_proba(TEST[0]), atol=1e-6)


@pytest.mark.parametrize("labels", [["a", "b", "ü"], [7, -2, 10], [True, False, True]])
def test_what_is_saved_is_loaded_as_it_was(tmp_path: Path, labels: list[Any]) -> None:
    trained = fitted("tuned-threshold", epochs=1, y=np.array(labels)[TRAIN[1]])
    again = thesis_lib.load(trained.save(tmp_path / "squares.keras"))
    assert repr(again) == repr(trained)
    np.testing.assert_array_equal(again.predict(TEST[0]), trained.predict(TEST[0]))
    np.testing.assert_allclose(again.predict_proba(TEST[0]), trained.predict_proba(TEST[0]))
    assert again.classes_.dtype.kind == trained.classes_.dtype.kind
    with pytest.raises(ValueError, match="but white was 255 in training"):
        again.predict(TEST[0] / 255)


def test_what_is_no_saved_method_is_not_loaded(tmp_path: Path) -> None:
    trained = a_baseline()
    with pytest.raises(ValueError, match=r"squares\.h5 has to end in .keras"):
        trained.save(tmp_path / "squares.h5")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        thesis_lib.load(tmp_path / "missing.keras")
    hint = r"is a folder; load reads the file that .* To read images: .*; loading\.load\(path\)\."
    with pytest.raises(ValueError, match=hint):
        thesis_lib.load(tmp_path)
    trained.network.save(tmp_path / "plain.keras")
    (tmp_path / "text.keras").write_text("no archive")
    for name in ("plain.keras", "text.keras"):
        with pytest.raises(ValueError, match=f"{name} is no classifier that thesis_lib.fit"):
            thesis_lib.load(tmp_path / name)


def test_the_training_images_are_not_kept() -> None:
    """A pickle holds none of them, and classifies with the tau that it keeps."""
    trained = fitted("tuned-threshold", epochs=1)
    content = pickle.dumps(trained)
    rows = [image.tobytes() for image in TRAIN[0]]
    assert not any(row in content for row in rows)
    again = pickle.loads(content)
    np.testing.assert_allclose(again.predict_proba(TEST[0]), trained.predict_proba(TEST[0]))


def test_one_image_is_told_apart_from_many() -> None:
    trained = a_baseline()
    for image in (TEST[0][0], TEST[0][0, ..., 0]):
        with pytest.raises(ValueError, match=r"x is one image; .* x\[None\]"):
            trained.predict(image)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "SMOTE"}, "There is no method 'SMOTE'; did you mean smote"),
        ({"method": "crt", "epochs": 1}, "crt cannot be trained on these images: two stages"),
        ({"y": TRAIN[1][1:]}, "x has 66 images, y 65 labels"),
        ({"y": TRAIN[1] * 0}, "y has to hold 2 to 1000 classes; it holds 1"),
        ({"seed": -1}, "seed has to be a whole number from 0"),
        ({"epochs": 0}, "epochs has to be a whole number from 1"),
    ],
)
def test_what_cannot_be_trained_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted(**change)


def test_a_diverged_training_is_no_classifier() -> None:
    with pytest.raises(RuntimeError, match="diverged; try a lower learning rate"):
        fitted(epochs=1, learning_rate=1e30)


def test_another_scale_is_told() -> None:
    with pytest.warns(UserWarning, match="The largest pixel is 13 in x, but 255 is taken"):
        assert repr(fitted(x=TRAIN[0] // 16, epochs=1)).endswith("trained on 66 images>")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fitted(epochs=1)
