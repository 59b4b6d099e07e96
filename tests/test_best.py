"""The best values of a table: the right ones, ties included, and none where there is no contest."""

import numpy as np
import pandas as pd
import pytest

from thesis_lib.best import largest, smallest
from thesis_lib.tables import Table


def test_the_largest_of_each_column_whatever_text_follows_the_number() -> None:
    frame = pd.DataFrame(
        {"a": ["9.50 ± 20.00", "10.00", "–"], "b": ["97.4 [97.1,97.6]", None, "3"]}
    )
    assert largest(frame).where.tolist() == [[False, True], [True, False], [False, False]]
    assert smallest(frame).where.tolist() == [[True, False], [False, False], [False, True]]


def test_equal_values_are_all_the_best_unless_all_are() -> None:
    frame = pd.DataFrame({"tie": [100.0, 94.2, 100.0], "all": [0.0, 0.0, 0.0]})
    assert largest(frame).where[:, 0].tolist() == [True, False, True]
    assert not largest(frame).where[:, 1].any()
    assert not largest(frame.iloc[:1]).where.any()


def test_words_signs_and_thousands() -> None:
    frame = pd.DataFrame({"x": ["-3", "−1", "1,000", "999", "diverged", np.nan, True]})
    assert largest(frame).where[:, 0].tolist() == [False, False, True, False, False, False, False]
    assert smallest(frame).where[:, 0].argmax() == 0


def test_only_the_chosen_columns_and_rows_are_compared() -> None:
    frame = pd.DataFrame({"Training": [99, 98, 97, 96], "Testing": [1, 5, 4, 2]})
    found = largest(frame, ["Testing"], by=["ours", "", "ours", "theirs"])
    assert found.where.tolist() == [[False, False], [False, False], [False, True], [False, False]]
    assert found.meaning == "the largest of its column among ours and among theirs numbers"
    with pytest.raises(ValueError, match="a name for each of 4 rows; got 1"):
        largest(frame, by=["ours"])


def test_a_grid_has_one_best() -> None:
    frame = pd.DataFrame({"a=1": [1, 2], "a=5": [4, 3]})
    assert largest(frame, whole=True).where.tolist() == [[False, True], [False, False]]
    assert largest(frame, whole=True).meaning == "the largest of the table"


def test_the_table_shows_it_in_both_forms_and_says_so() -> None:
    frame = pd.DataFrame({"Recall": ["9.5", "10.0 ± 1.0"]}, index=["M_b", "M_os"])
    table = Table(frame, "Recall", "tab-x", "Percent.", best=largest(frame))
    assert "| $M_{\\mathrm{os}}$ | **10\\.0 ± 1\\.0** |" in table.to_markdown()
    assert "| $M_{\\mathrm{b}}$ | 9\\.5 |" in table.to_markdown()
    assert '<strong title="best">10.0 ± 1.0</strong></td>' in table.to_html()
    assert table.to_html().count("<strong") == 1
    for text in (table.to_html(), table.to_markdown().replace("\\", "")):
        assert "Percent. Bold: the largest of its column." in text


def test_without_a_best_nothing_is_said_of_it() -> None:
    frame = pd.DataFrame({"Recall": [1.0, 1.0]})
    assert "Bold" not in Table(frame, "Recall", "tab-x", best=largest(frame)).to_html()


def test_a_best_of_another_table_is_refused() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    with pytest.raises(ValueError, match=r"best is of a table \(2, 1\), frame is \(1, 1\)"):
        Table(frame.iloc[:1], "a", "tab-x", best=largest(frame))
