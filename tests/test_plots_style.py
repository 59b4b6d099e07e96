"""Figures outside notebooks: everything fits, and names of classes are readable."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import thesis_lib
from tests.test_comparison import binary, made
from thesis_lib.own.offered import BASELINE, METHODS
from thesis_lib.plots import images, results, set_style, style

CHINESE = ("完整", "划痕")


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    """What a script has that imports the library and nothing else."""
    plt.switch_backend("Agg")
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.use("Agg")
        yield
    plt.close("all")


def fits(figure: Figure) -> bool:
    """Say whether nothing that is drawn reaches over the edge."""
    figure.canvas.draw()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return bool(drawn.min.min() >= 0 and drawn.x1 <= width and drawn.y1 <= height)


@pytest.mark.parametrize("methods", [[BASELINE, "balanced-ensemble"], list(METHODS)])
def test_the_figures_of_a_comparison_fit(methods: list[str]) -> None:
    names = ("a class of which the name never seems to end", "b")
    result = made({name: binary([40, 42]) for name in methods}, classes=names)
    assert fits(result.figure())
    assert fits(result.recall_figure())


@pytest.mark.parametrize("classes", [2, 4, 10, 30])
def test_matrices_fit(classes: int) -> None:
    names = [f"a class with the number {k}" for k in range(classes)]
    figure = results.confusion({"Title": np.eye(classes)}, class_names=names)
    assert fits(figure)
    axis = figure.axes[0]
    assert {label.get_rotation() for label in axis.get_xticklabels()} == {35.0}
    assert bool(axis.texts) == (classes < 30)


def test_short_names_stay_level() -> None:
    axis = results.confusion({"Title": np.eye(3)}).axes[0]
    assert {label.get_rotation() for label in axis.get_xticklabels()} == {0.0}


def test_many_curves_leave_room_for_the_lines() -> None:
    figure = results.learning_curves({"long name" * 4 + str(k): [k] for k in range(24)}, ylabel="y")
    assert figure.axes[0].get_legend() is None
    assert len(figure.legends[0].get_texts()) == 24
    assert fits(figure)
    few = results.learning_curves({"a rather long name": [1]}, ylabel="y")
    assert few.axes[0].get_legend() is None
    assert results.learning_curves({"seed 1": [1]}, ylabel="y").legends == []
    assert fits(images.class_counts({"a": range(1, 12)}, class_names=["long names"] * 11))


def test_no_figure_goes_past_the_one_that_fits() -> None:
    library = Path(thesis_lib.__file__).parent
    makers = [p.stem for p in library.rglob("*.py") if "plt.subplots" in p.read_text("utf-8")]
    assert makers == ["style"]


def drawn() -> list[Figure]:
    runs = {BASELINE: binary([40, 42]), "ros": binary([70, 72])}
    counts = images.class_counts({"a": [1, 2]}, class_names=CHINESE)
    matrix = results.confusion({"图像": np.eye(2)}, class_names=CHINESE)
    return [made(runs, classes=CHINESE).recall_figure(), counts, matrix]


@pytest.mark.skipif(len(style.families()) == 1, reason="no font with Chinese letters")
@pytest.mark.parametrize("styled", [False, True])
def test_chinese_names_are_written(styled: bool) -> None:
    if styled:
        set_style()
        set_style()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in drawn():
            figure.canvas.draw()
    assert len(set(mpl.rcParams["font.family"])) == len(mpl.rcParams["font.family"])


def test_fonts_that_are_not_there_are_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(font_manager, "get_font_names", lambda: ["DejaVu Sans", "SimSun"])
    assert style.families() == ["sans-serif"]
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        for figure in drawn():
            figure.canvas.draw()
    assert "findfont" not in caplog.text
