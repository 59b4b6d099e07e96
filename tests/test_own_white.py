"""The value of a white pixel: given to a comparison, kept by what is trained, checked by both."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thesis_lib
from tests.test_comparison import quick, squares, without_fitting
from thesis_lib.__main__ import main
from thesis_lib.own import comparison, comparison_report, image_sets, loading, trained_method
from thesis_lib.own.offered import BASELINE

# Of a camera with 12 bits, and so dark that the pixels alone tell 10.
X, Y = squares([30, 12], 0)
X = X.astype(np.uint16) * 4
Z, W = squares([10, 10], 1)
Z = Z.astype(np.uint16) * 4
SETTINGS = {"epochs": 3, "batch_size": 14, "learning_rate": 0.01}
pytestmark = pytest.mark.usefixtures("eagerly")


def fitted(x: np.ndarray, **change: Any) -> trained_method.TrainedMethod:
    settings = {"method": "ros", "progress": False, **SETTINGS, **change}
    return thesis_lib.fit(x, Y, **settings)


def test_a_given_white_is_what_pixels_are_divided_by() -> None:
    assert X.max() < 1023
    told, given = fitted(X), fitted(X, white=4095)
    assert (told.scale, given.scale) == (1023, 4095)
    divided = fitted(X / 4095)
    expected = divided.predict_proba(Z / 4095)
    np.testing.assert_allclose(given.predict_proba(Z), expected, atol=1e-5)
    assert not np.allclose(told.predict_proba(Z), expected, atol=1e-3)


def test_a_comparison_scales_both_sets_by_it_and_says_so() -> None:
    settings = {**SETTINGS, "methods": ["ros"], "seeds": [1, 2]}
    given = quick((X, Y), (Z, W), white=4095, **settings)
    divided = quick((X / 4095, Y), (Z / 4095, W), **settings)
    np.testing.assert_allclose(given.losses(), divided.losses(), rtol=1e-4)
    np.testing.assert_array_equal(given.confusions["ros"][2], divided.confusions["ros"][2])
    assert "white 4095, " in comparison_report.page(given)
    assert given._as_arguments("ros").endswith("learning_rate=0.01, white=4095")
    assert "white" not in divided.settings


def test_what_is_saved_keeps_it(tmp_path: Path) -> None:
    trained = fitted(X, white=4095, epochs=1)
    again = thesis_lib.load(trained.save(tmp_path / "squares.keras"))
    assert again.scale == 4095
    bright = Z.copy()
    bright[0, 0, 0] = 4095  # which no training image is
    np.testing.assert_allclose(again.predict_proba(bright), trained.predict_proba(bright))
    bright[0, 0, 0] += 1
    with pytest.raises(ValueError, match="Pixels of x go up to 4096, but white was 4095 in train"):
        again.predict(bright)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"x_test": Z * 5},
            r"^x_test has pixels up to \d+, but white is 1023\. Give the largest value that a "
            r"pixel can have \(4095 with 12 bits\), or clip: x_test\.clip\(0, 1023\)\.$",
        ),
        (
            {"x_train": (X // 4).astype(np.uint8)},
            r"^x_train has 8 bits a pixel \(uint8\), up to 209, but white is 1023\. Give 255, or "
            r"pass x_train\.astype\('uint16'\) if white is 1023 in it\.$",
        ),
    ],
)
def test_a_white_that_cannot_be_is_refused(change: dict, message: str) -> None:
    sets = {"x_train": X, "y_train": Y, "x_test": Z, "y_test": W, **change}
    with pytest.raises(ValueError, match=message):
        image_sets.checked(**sets, white=1023)
    with pytest.raises(ValueError, match=r"^x has pixels up to \d+, but white is 1"):
        image_sets.alone(X, Y, 1)


def test_pixels_on_no_known_scale_are_taken_with_it() -> None:
    for x, white in ((X * 70.0, 100_000), (X / 600, 1.5)):
        with pytest.raises(ValueError, match=r"The largest pixel is .* pass white"):
            image_sets.alone(x, Y)
        assert image_sets.alone(x, Y, white).scale == white
    scales = {"x_train": X // 4, "x_test": Z, "y_train": Y, "y_test": W}
    with pytest.raises(ValueError, match=r"as on two scales.*if it is the same, pass white"):
        image_sets.checked(**scales)
    assert image_sets.checked(**scales, white=4095).scale == 4095


def test_dark_images_are_no_mistake_where_white_is_given() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fitted(X, white=65535, epochs=1)
        assert quick((X, Y), (Z, W), methods=[], white=65535).pixels_note == ""
    with pytest.warns(UserWarning, match=r"50 in x, but 255 is taken for .*, or pass white\."):
        fitted(np.minimum(X, 50), epochs=1)


@pytest.mark.parametrize(("white", "refused"), [(1.5, False), (100, True)])
def test_pixels_up_to_one_are_taken_where_that_is_bright(white: float, refused: bool) -> None:
    """Below a quarter of white they may be on the scale from 0 to 1."""
    x = X / X.max()
    if refused:
        with pytest.raises(ValueError, match="Pixels of x go up to 1, but white was 100"):
            image_sets.more(x, (8, 8, 1), white)
    else:
        assert image_sets.more(x, (8, 8, 1), white) is x


def test_records_with_another_white_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = without_fitting(monkeypatch)
    for white, networks in ((None, 1), (4095, 2), (1023, 2), (2000.0, 3), (4095.0, 3), (None, 3)):
        quick((X, Y), (Z, W), methods=[], folder=tmp_path, white=white)
        assert len(trained) == networks, white  # 1023 is what the pixels tell


@pytest.mark.parametrize(
    ("size", "white", "passed", "scaled"),
    [(None, 4095, 4095, 1), (8, 4095, 4095, 1), (8, 850, 850, 1), (8, 100_000, 65535, 0.65535)],
)
def test_the_commands_take_it(
    size: int | None,
    white: float,
    passed: float,
    scaled: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Resizing changes the value of white where it lies beyond 16 bits."""
    asked: list[tuple[np.ndarray, float]] = []

    def stop(x: np.ndarray, *others: np.ndarray, **settings: Any) -> None:
        asked.append((x, settings["white"]))
        raise KeyboardInterrupt

    np.savez(tmp_path / "own.npz", x_train=X, y_train=Y, x_test=Z, y_test=W)
    for module, name in ((comparison, "compare"), (trained_method, "fit")):
        monkeypatch.setattr(module, name, stop)
    shared = [str(tmp_path / "own.npz"), "--white", str(white)]
    shared += [] if size is None else ["--size", str(size)]
    assert main(["compare-on", *shared, "--out", str(tmp_path / "out")]) == 130
    assert main(["fit-on", *shared, "--method", "ros", "--out", str(tmp_path / "a.keras")]) == 130
    for x, given in asked:
        assert given == passed
        np.testing.assert_allclose(x, X * scaled, atol=0.51)


def test_resizing_makes_white_255_below_it() -> None:
    small = loading.resized(X / 10, 8, white=100)
    np.testing.assert_allclose(small, X / 10 * 2.55, atol=0.51)
    assert loading.white_after(100) == 255


@pytest.mark.parametrize(
    ("white", "message"),
    [
        ("0", "--white has to be a number above 0; got 0.0."),
        ("nan", "--white has to be a number above 0; got nan."),
        (
            "100",
            "x_train has pixels up to 836, but white is 100. Give the largest value that a pix",
        ),
    ],
)
def test_slips_on_the_command_line_are_told_in_a_line(
    white: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "own.npz", x_train=X, y_train=Y, x_test=Z, y_test=W)
    command = ["compare-on", str(tmp_path / "own.npz"), "--white", white, "--methods", "ros"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"thesis-lib: {message}")
    assert err.count("\n") == 1


def test_splits_share_it() -> None:
    settings = {"seeds": [1, 2], "methods": [], "epochs": 1, "progress": False}
    result = thesis_lib.compare_splits(X, Y, white=4095, **settings)
    assert result.settings["white"] == 4095
    assert list(result.confusions[BASELINE]) == [1, 2]
