"""The small figures of the landing page: each share beside its bar, and no bar without a number."""

import math
from collections.abc import Iterator

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose

from thesis_lib.plots import small


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    mpl.use("Agg")
    yield
    plt.close("all")


def test_bars_are_as_long_as_they_say() -> None:
    axis = small.shares({"a": 21.14, "b": 0.0}, xlabel="Recall (%)").axes[0]
    assert [bar.get_width() for bar in axis.patches] == [21.14, 0]
    assert [text.get_text() for text in axis.texts] == ["21.1 %", "0.0 %"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # the first on top
    assert axis.get_xlabel() == "Recall (%)"


def test_an_interval_is_cut_where_percentages_end() -> None:
    axis = small.shares({"a": (67.0, 43.0, 120.0)}, xlabel="x").axes[0]
    assert_allclose(axis.lines[0].get_xdata(), [43, 100])
    assert axis.texts[0].get_position()[0] > 100


def test_a_single_seed_has_no_line_and_a_missing_number_no_bar() -> None:
    figure = small.shares({"one": (5.0, math.nan, math.nan), "none": math.nan}, xlabel="x")
    (axis,) = figure.axes
    assert not axis.lines
    assert len(axis.patches) == 1
    assert axis.texts[1].get_text() == "not recorded"


def test_two_numbers_are_no_interval() -> None:
    with pytest.raises(ValueError, match=r"\(mean, low, high\); got 2 numbers"):
        small.shares({"a": (1.0, 2.0)}, xlabel="x")
