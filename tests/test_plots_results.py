"""The figures of results: what is drawn is what was given, and what is missing is seen to be."""

from collections.abc import Callable, Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from thesis_lib.plots import comparison, results

NAN = float("nan")


@pytest.fixture(autouse=True)
def _one_open_figure() -> Iterator[None]:
    """Every function leaves exactly one figure, since a notebook shows all that are open."""
    mpl.use("Agg")
    plt.close("all")
    yield
    assert len(plt.get_fignums()) <= 1
    plt.close("all")


def texts(axis: Axes) -> list[str]:
    return [text.get_text() for text in axis.texts]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_few_classes_show_counts_and_percentages() -> None:
    figure = results.confusion({"A": [[0, 980], [227, 908]]})
    (axis,) = figure.axes
    assert texts(axis) == ["0\n0.0 %", "980\n100.0 %", "227\n20.0 %", "908\n80.0 %"]
    assert_allclose(axis.images[0].get_array(), [[0, 100], [20, 80]])
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("Predicted class", "True class")


def test_true_classes_are_rows() -> None:
    axis = results.confusion({"A": [[0, 5], [0, 7]]}).axes[0]
    at = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axis.texts}
    assert at[0, 1].startswith("5")  # a 0 taken for a 1: row 0, column 1
    assert axis.yaxis_inverted()  # so that row 0 is at the top


def test_two_large_matrices_lie_below_one_another_with_both_numbers() -> None:
    matrix = np.diag(np.full(10, 60)) + np.roll(np.diag(np.full(10, 40)), 1, axis=1)
    figure = results.confusion({"A": matrix, "B": np.eye(10)})
    upper, lower = figure.axes
    assert texts(upper).count("60\n60 %") == texts(upper).count("40\n40 %") == 10
    assert texts(lower) == ["1\n100 %"] * 10  # empty cells stay empty
    assert upper.get_position().y0 > lower.get_position().y0
    assert upper.get_ylabel() == lower.get_ylabel() == "True class"


def test_one_large_matrix_shows_both_in_a_cell() -> None:
    axis = results.confusion({"A": np.diag(np.full(10, 1000))}).axes[0]
    assert texts(axis) == ["1,000\n100 %"] * 10


def test_a_class_without_images_is_no_division_by_zero() -> None:
    axis = results.confusion({"A": [[0, 0], [1, 3]]}).axes[0]
    assert texts(axis)[:2] == ["0\n0.0 %", "0\n0.0 %"]


def test_small_means_are_not_rounded_to_nothing() -> None:
    axis = results.confusion({"A": [[1, 0], [0.2, 999.8]]}).axes[0]
    assert texts(axis)[2].startswith("<1")


def test_small_shares_are_not_rounded_to_nothing() -> None:
    axis = results.confusion({"A": np.diag(np.full(10, 999)) + np.eye(10, k=1)}).axes[0]
    assert texts(axis)[:2] == ["999\n100 %", "1\n<1 %"]


def test_a_matrix_has_to_be_square() -> None:
    with pytest.raises(ValueError, match=r"'A' has to be square; got shape \(2, 3\)"):
        results.confusion({"A": np.ones((2, 3))})


def test_method_dots_have_a_panel_a_class_and_a_row_a_method() -> None:
    recorded = np.full((2, 2, 3), NAN)
    recorded[1, 0] = 70, 60, 85
    figure = results.method_dots(
        ["M", "N"], ["Class 0", "Class 1"], published=[[1, 2], [3, 4]], recorded=recorded
    )
    first, second = figure.axes
    assert [axis.get_title() for axis in figure.axes] == ["Class 0", "Class 1"]
    assert first.lines[0].get_xdata().tolist() == [1, 3]
    assert second.lines[0].get_xdata().tolist() == [2, 4]
    assert first.lines[1].get_xdata()[1] == 70
    assert [texts(axis) for axis in figure.axes] == [["no record"], ["no record"] * 2]
    assert legend(figure) == ["published", "recorded mean, 95 % interval"]
    assert first.yaxis_inverted()
    heights = [line.get_ydata() for line in first.lines[:2]]
    assert (np.round(heights[0]) == np.round(heights[1])).all()  # one row
    assert (heights[0] < heights[1]).all()  # and side by side in it


def test_the_interval_is_drawn_where_it_is_known() -> None:
    recorded = np.array([[[70, 60, 85]], [[50, NAN, NAN]]], dtype=float)
    figure = results.method_dots(["M", "N"], ["c"], published=[[1], [1]], recorded=recorded)
    (segments,) = [c.get_segments() for c in figure.axes[0].collections]
    assert len(segments) == 1
    assert_allclose(segments[0][:, 0], [60, 85])


def test_recall_dots_name_a_source_without_a_record() -> None:
    figure = results.recall_dots(
        ["0", "1"], {"here": [[50, 40, 55], [60, NAN, NAN]], "nowhere": np.full((2, 3), NAN)}
    )
    assert legend(figure) == ["here", "nowhere (no record)"]
    axis = figure.axes[0]
    assert axis.lines[0].get_ydata().tolist() == [50, 60]
    segments = [s for c in axis.collections for s in c.get_segments()]
    assert len(segments) == 1
    assert_allclose(segments[0][:, 1], [40, 55])


def test_recall_dots_have_published_values_as_hollow_marks() -> None:
    series = {"listed": [[50, 40, 55], [60, 50, 70]], "corrected": [[70, 60, 80], [80, 70, 90]]}
    figure = results.recall_dots(["0", "1"], series, published=[45, 65])
    marks, listed, corrected = (
        next(line for line in figure.axes[0].lines if line.get_label() == name)
        for name in ("published", *series)
    )
    assert list(marks.get_ydata()) == [45, 65]
    assert marks.get_markerfacecolor() == "none"
    places = [line.get_xdata()[1] for line in (marks, listed, corrected)]
    assert_allclose(places, [0.82, 1, 1.18])
    assert len({marks.get_color(), listed.get_color(), corrected.get_color()}) == 3


def test_focal_grid_hatches_missing_cells_and_shares_a_scale() -> None:
    figure = results.focal_grid(
        [0, 2], [1, 5], {"A": [[70, 80], [NAN, 75]], "B": [[60, 61], [62, 63]]}
    )
    left, right = figure.axes
    assert texts(left) == ["70.0", "80.0", "75.0"]
    (hatched,) = [patch for patch in left.patches if patch.get_hatch()]
    assert hatched.get_xy() == (-0.5, 0.5)  # row 1, column 0
    assert left.images[0].get_clim() == right.images[0].get_clim() == (60, 80)


def test_focal_grid_without_any_record() -> None:
    (axis,) = results.focal_grid([0], [1, 5], {"A": [[NAN, NAN]]}).axes
    assert len([patch for patch in axis.patches if patch.get_hatch()]) == 2


def test_focal_grid_checks_shapes() -> None:
    with pytest.raises(ValueError, match=r"'A' has shape \(1, 3\); it has to be \(1, 2\)"):
        results.focal_grid([0], [1, 5], {"A": [[1, 2, 3]]})


def test_focal_losses_are_marked_after_the_epoch() -> None:
    losses = {1: [[1.0, 2.0], [0.5, 0.1]], 100: [[3.0], [16.0]]}
    marks: dict[str, list[int]] = {"Seed 2": [1], "Seed 5": []}
    figure = results.focal_losses(dict.fromkeys(marks, losses), marks)
    left, right = figure.axes
    assert [line.get_ydata()[-1] for line in left.lines[:3]] == [0.5, 0.1, 16.0]
    assert left.lines[3].get_xdata()[0] == 1.5
    assert len(right.lines) == 3
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["a = 1", "a = 100"]


def test_no_focal_losses_say_so() -> None:
    assert results.focal_losses({}, {}).axes[0].texts


def test_focal_lines() -> None:
    grid = np.array([[[70, 69, 71], [80, 79, 81]], [[60, 59, 61], [75, 74, 76]]], dtype=float)
    left, right = results.focal_lines(
        [0, 2], [1, 5], {"A": grid, "B": np.full_like(grid, NAN)}
    ).axes
    assert [line.get_ydata().tolist() for line in left.lines] == [[70, 60], [80, 75]]
    assert len(left.collections) == 2  # intervals of each weight
    assert texts(left) == []
    assert texts(right) == ["no record"]


def test_learning_curves_start_at_epoch_1() -> None:
    (axis,) = results.learning_curves({"A": [3.0, 2.0]}, ylabel="Loss").axes
    assert axis.lines[0].get_xdata().tolist() == [1, 2]
    assert axis.get_ylabel() == "Loss"


def test_learning_bands_span_the_seeds_over_the_epochs() -> None:
    figure = results.learning_bands({"A": [[30, 20, 40], [90, 80, 100]]}, ylabel="Accuracy")
    (axis,) = figure.axes
    assert_allclose(axis.lines[0].get_xydata(), [[1, 30], [2, 90]])
    corners = axis.collections[0].get_paths()[0].vertices
    assert {(1.0, 20.0), (1.0, 40.0), (2.0, 80.0)} <= set(map(tuple, corners))
    assert legend(figure) == ["A, 2"]


@pytest.mark.parametrize("draw", [results.learning_bands, results.learning_curves])
def test_no_learning_curve_says_so(draw: Callable[..., Figure]) -> None:
    (axis,) = draw({}, ylabel="Accuracy").axes
    assert texts(axis) == ["no record"]


def test_a_matrix_without_a_title_is_refused() -> None:
    with pytest.raises(TypeError, match=r"by its title, as \{'ROS': matrix\}"):
        results.confusion(np.eye(2))  # type: ignore[arg-type]


def test_a_grid_has_a_column_a_method_and_a_row_a_class() -> None:
    for wrong in (np.ones((2, 3)), np.ones((3, 2)), np.ones(4)):
        with pytest.raises(
            ValueError, match=r"recall has to be \(classes, methods\), \(2, 2\); got"
        ):
            comparison.recall_grid(["ROS", "RUS"], ["a", "b"], wrong)
