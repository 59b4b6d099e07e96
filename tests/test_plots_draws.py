"""The figures of a study over draws show the numbers that they are given."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from thesis_lib.plots import draws


def test_draws_stand_in_the_order_of_their_means() -> None:
    axis = draws.draw_spread([[60.0, 62], [40, 44], [50, 58]], measure="Recall").axes[0]
    means = next(line for line in axis.lines if line.get_marker() == "_")
    np.testing.assert_array_equal(means.get_ydata(), [42, 54, 61])
    assert axis.get_ylabel() == "Recall, percent"
    plt.close("all")


def test_every_draw_is_a_dot_and_the_best_mean_stands_on_top() -> None:
    means = pd.DataFrame({"low": [50.0, 60], "$high": [90.0, 70]}, index=[1, 2])
    axis = draws.method_spread(means, measure="Recall").axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["$high", "low"]
    dots = [line for line in axis.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(dots[0].get_xdata(), [90, 70])
    np.testing.assert_array_equal(dots[0].get_ydata(), [0, 0])
    ticks = [list(line.get_xdata()) for line in axis.lines if line.get_marker() == "|"]
    assert ticks == [[80], [55], []]
    assert axis.yaxis_inverted()
    plt.close("all")


def test_draws_before_stand_above_those_after_and_the_best_mean_after_on_top() -> None:
    before = pd.DataFrame({"a": [50.0, 60], "b": [90.0, 70], "before alone": [1.0, 2]})
    after = pd.DataFrame({"a": [99.0, 97], "b": [80.0, 70], "after alone": [100.0, 100]})
    figure = draws.method_change(before, after, names=("short", "long"), measure="Recall")
    (axis,), (legend,) = figure.axes, figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["short", "long", "mean"]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["a", "b"]
    dots = [line for line in axis.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in dots] == [[50, 60], [99, 97], [90, 70], [80, 70]]
    rows = [line.get_ydata()[0] for line in dots]
    assert rows == sorted(rows)
    assert axis.yaxis_inverted()  # so the smaller row is the upper one
    ticks = [list(line.get_xdata()) for line in axis.lines if line.get_marker() == "|"]
    assert ticks == [[55], [98], [80], [75], []]
    plt.close("all")


def test_names_of_many_places_stand_aslant() -> None:
    rows = [(10.0**k, "m", 1.0, 0.0, 2.0) for k in range(8)]
    found = pd.DataFrame(rows, columns=["rho", "Method", "Gain", "Gain low", "Gain high"])
    for places, angle in ((7, 0), (8, 45)):
        axis = draws.gains(found[:places], axis="rho", names={"m": "Method"}).axes[0]
        assert {text.get_rotation() for text in axis.get_xticklabels()} == {angle}
    plt.close("all")


def test_bars_of_ranks_overlap_within_the_critical_difference() -> None:
    axis = draws.critical_differences({"b": 2.5, "a": 1.0}, 1.2).axes[0]
    bars = [segment[:, 0] for segment in axis.collections[0].get_segments()]
    np.testing.assert_allclose(bars, [[0.4, 1.6], [1.9, 3.1]])
    assert [text.get_text() for text in axis.get_yticklabels()] == ["a  1.0", "b  2.5"]
    plt.close("all")


def test_gains_are_drawn_with_their_intervals_and_without_the_baseline() -> None:
    rows = [
        ("base", 10.0, 0.0, 0.0, 0.0),
        ("m", 10.0, 2.0, -1.0, 5.0),
        ("m", 2500.0, 7.0, 6.0, 8.0),
    ]
    found = pd.DataFrame(rows, columns=["Method", "rho", "Gain", "Gain low", "Gain high"])
    axis = draws.gains(found, axis="rho", names={"base": "Baseline", "m": "Method"}).axes[0]
    lines = {line.get_label(): line for line in axis.lines}
    np.testing.assert_array_equal(lines["Method"].get_ydata(), [2, 7])
    assert "Baseline" not in lines
    ends = [segment[:, 1].tolist() for segment in axis.collections[0].get_segments()]
    assert ends == [[-1, 5], [6, 8]]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["10", "2,500"]
    one = draws.gains(found[found["rho"] == 2500], axis="rho", names={"m": "Method"}).axes[0]
    assert one.get_xlim() == (1250, 6250)  # the marks of several methods stand close together
    plt.close("all")


def test_without_a_record_every_figure_says_so() -> None:
    none = pd.DataFrame(columns=["rho", "Method", "Gain", "Gain low", "Gain high"], dtype=float)
    for figure in (
        draws.draw_spread(np.empty((0, 0)), measure="Balanced accuracy"),
        draws.method_spread(pd.DataFrame(), measure="Balanced accuracy"),
        draws.method_change(pd.DataFrame(), pd.DataFrame(), names=("a", "b"), measure="Recall"),
        draws.critical_differences({}, 0),
        draws.gains(none, axis="rho", names={}),
    ):
        (axis,) = figure.axes
        assert [text.get_text() for text in axis.texts] == ["no record"]
        assert len(axis.get_xticks()) == 0
        plt.close(figure)
