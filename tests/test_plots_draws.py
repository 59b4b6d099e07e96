"""The figures of a study over draws show the numbers that they are given."""

import numpy as np
from matplotlib import pyplot as plt

from thesis_lib.plots import draws


def test_draws_stand_in_the_order_of_their_means() -> None:
    axis = draws.draw_spread([[60.0, 62], [40, 44], [50, 58]], measure="Recall").axes[0]
    means = next(line for line in axis.lines if line.get_marker() == "_")
    np.testing.assert_array_equal(means.get_ydata(), [42, 54, 61])
    assert axis.get_ylabel() == "Recall, percent"
    plt.close("all")


def test_bars_of_ranks_overlap_within_the_critical_difference() -> None:
    axis = draws.critical_differences({"b": 2.5, "a": 1.0}, 1.2).axes[0]
    bars = [segment[:, 0] for segment in axis.collections[0].get_segments()]
    np.testing.assert_allclose(bars, [[0.4, 1.6], [1.9, 3.1]])
    assert [text.get_text() for text in axis.get_yticklabels()] == ["a  1.0", "b  2.5"]
    plt.close("all")


def test_lines_over_sizes_are_means_with_the_range_of_draws() -> None:
    axis = draws.over_sizes([2, 20], {"m": [[1.0, 3], [5, 9]]}, xlabel="n", measure="Recall").axes[
        0
    ]
    np.testing.assert_array_equal(axis.lines[0].get_ydata(), [2, 7])
    corners = axis.collections[0].get_paths()[0].vertices
    assert {(2.0, 1.0), (2.0, 3.0), (20.0, 5.0), (20.0, 9.0)} <= set(map(tuple, corners))
    plt.close("all")
