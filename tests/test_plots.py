"""Numbers that figures draw, and that a figure is the same file in every build."""

import io

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy.signal import correlate2d

from thesis_lib import resampling
from thesis_lib.plots import (
    curves,
    detection,
    diagrams,
    images,
    results,
    sampling,
    set_style,
    style,
    transfer,
)


@pytest.fixture(autouse=True)
def close_figures():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def texts(figure) -> str:
    found = [t.get_text() for axis in figure.axes for t in axis.texts]
    return " ".join([*found, figure.get_supxlabel()])


def test_correlation_is_scipy_s() -> None:
    rng = np.random.default_rng(0)
    image, kernel = rng.normal(size=(7, 9)), rng.normal(size=(3, 2))
    expected = correlate2d(image, kernel, mode="valid")
    np.testing.assert_allclose(diagrams.correlate(image, kernel), expected)


def test_the_thesis_s_convolution() -> None:
    image = np.array([[1, 2, 3, 4], [6, 7, 8, 0], [0, 1, 1, 0]])
    kernel = np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0]])
    assert diagrams.correlate(image, kernel).tolist() == [[6, 9]]
    assert "1·1 + 1·2 + 1·3 = 6" in texts(diagrams.convolution(image, kernel))


def test_pooling_by_hand() -> None:
    feature_map = np.arange(25.0).reshape(5, 5)
    assert diagrams.pool(feature_map).tolist() == [[6, 8], [16, 18]]
    expected = [[6, 8, 9], [16, 18, 19], [21, 23, 24]]
    assert diagrams.pool(feature_map, ragged=True).tolist() == expected
    assert "max(24) = 24" in texts(diagrams.max_pooling(feature_map, at=(2, 2), ragged=True))


def test_the_thesis_s_neuron() -> None:
    drawn = texts(diagrams.neuron((4, 2, -3), (-1, 3, 2), 3))
    assert "sum: $-1$" in drawn
    assert "=0$" in drawn


@pytest.mark.parametrize(
    ("score", "threshold", "verdict"), [(0.98, 0.5, "normal"), (0.5, 0.5, "anomaly")]
)
def test_the_confidence_scheme(score: float, threshold: float, verdict: str) -> None:
    assert verdict in texts(diagrams.confidence_scheme(score, threshold, source="cell"))


def test_descent_by_hand() -> None:
    path = curves.descent_path(lambda w: np.array([1.0, 4.0]) * w, (-2.5, 1.0), 0.1, 2)
    np.testing.assert_allclose(path, [[-2.5, 1], [-2.25, 0.6], [-2.025, 0.36]])


def inside(figure) -> bool:
    """Whether no two texts of the figure's axes overlap, and each lies in the figure."""
    figure.canvas.draw()
    boxes = [t.get_window_extent() for axis in figure.axes for t in axis.texts if t.get_text()]
    apart = not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    return apart and all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)


def test_a_reader_s_neuron_and_network_stay_readable() -> None:
    assert inside(diagrams.neuron(np.arange(8) / 3, np.arange(8) / 7, 0.123456))
    assert inside(diagrams.network((4, 12, 1)))


def test_a_start_outside_of_the_usual_window_is_shown() -> None:
    drawn = curves.descent(lambda a, b: a**2 + b**2, {"far": np.array([[-8, 5], [1, 1]])})
    (left, right), (bottom, top) = drawn.axes[0].get_xlim(), drawn.axes[0].get_ylim()
    assert left < -8 < 8 < right
    assert bottom < -5 < 5 < top


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: diagrams.neuron((1, 2), (1,), 0), "a weight for each input; got 2 and 1"),
        (lambda: diagrams.network((3, 0, 1)), r"layers\[1\] has to be a whole number from 1"),
        (lambda: diagrams.convolution(np.ones((5, 5)), np.ones((6, 6))), "fit into the image"),
        (
            lambda: diagrams.max_pooling(np.ones((5, 5)), at=(2, 2)),
            r"2 × 2 windows, counted from 0; at is \(2, 2\)",
        ),
        (lambda: curves.descent_path(abs, (1, 1), 0.1, -1), "steps has to be a whole number"),
        (lambda: curves.histogram({"digits": []}, xlabel="x"), "no scores of digits"),
        (lambda: images.image_grid(np.ones((0, 2, 2))), "no images to show"),
        (lambda: images.image_grid(np.ones((3, 2, 2)), ["a"]), "1 entries; there are 3 images"),
        (lambda: images.image_grid(np.ones((3, 2, 2)), columns=0), "columns has to be a whole"),
    ],
)
def test_numbers_that_cannot_be_drawn_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_bars_show_small_counts() -> None:
    figure = images.class_counts({"training": [2, 5000]}, log=True)
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == [2, 5000]
    assert "5,000" in texts(figure)


def test_a_grid_hides_empty_places() -> None:
    figure = images.image_grid(np.zeros((5, 4, 4), np.uint8), list("abcde"), columns=3)
    assert [len(axis.images) for axis in figure.axes] == [1, 1, 1, 1, 1, 0]
    assert [axis.axison for axis in figure.axes] == [True] * 5 + [False]


def test_resampled_points_are_all_drawn() -> None:
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(9, 2)), np.repeat([0, 1], [6, 3])
    out = resampling.smote(points, labels, random_state=0, k_neighbors=1)
    figure = sampling.before_and_after(points, labels, out, name="SMOTE")
    drawn = [sum(len(c.get_offsets()) for c in axis.collections) for axis in figure.axes]
    assert drawn == [9, 12]
    assert figure.axes[1].get_title() == "after SMOTE: 6, 6"


def test_more_classes_than_colours_are_all_drawn() -> None:
    points, labels = np.arange(16.0).reshape(8, 2), np.repeat([0, 7], 4)
    out = resampling.random_oversample(points, labels, random_state=0)
    figure = sampling.before_and_after(points, labels, out, name="ROS")
    assert sum(len(c.get_offsets()) for c in figure.axes[0].collections) == 8


def test_the_same_figure_is_the_same_file() -> None:
    set_style()
    files = []
    for _ in range(2):
        file = io.BytesIO()
        diagrams.network().savefig(file, format="svg", metadata={"Date": None})
        files.append(file.getvalue())
    assert files[0] == files[1]


def test_more_curves_than_styles_are_all_drawn() -> None:
    many = {str(k): [k, k + 1] for k in range(9)}
    assert len(curves.lines([1, 2], many, xlabel="x", ylabel="y").axes[0].lines) == 9
    rates = {name: (np.array([0.1, 1.0]), np.array([0.5, 1.0])) for name in many}
    points = dict.fromkeys(many, (0.1, 0.5))
    labels = detection.roc(rates, points).legends[0].get_texts()
    assert len(labels) == 1 + 9 + 9
    dots = results.recall_dots(["a"], {name: [[50, 40, 60]] for name in many})
    assert len(dots.legends[0].get_texts()) == 9
    panels = transfer.gains_by_source({name: {"x": 1.0} for name in many}).axes
    assert [axis.get_title(loc="left") for axis in panels] == list(many)


def test_logarithmic_axes_write_plain_numbers_and_a_reference_is_grey() -> None:
    drawn = {"measured": [1, 5000], "ideal": [1, 1000]}
    figure = curves.lines(
        [1, 1000], drawn, xlabel="x", ylabel="y", log=True, log_x=True, reference="ideal"
    )
    figure.draw_without_rendering()
    axis = figure.axes[0]
    for side in (axis.xaxis, axis.yaxis):
        assert "1,000" in [text.get_text() for text in side.get_ticklabels()]
    grey = [line.get_label() for line in axis.lines if line.get_color() == style.GREY]
    assert grey == ["ideal"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["ideal", "measured"]
