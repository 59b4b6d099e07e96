"""The transcription against sums of the thesis's own text, and what is concluded from it."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thesis_lib.book import published

# Sums of the rows and of the columns of each table, computed by a program from the text of the
# thesis and not from published.yml. Percentages in hundredths, scores in ten-thousandths.
SUMS = {
    "5.1": (
        [
            2014,
            1873,
            1689,
            5715,
            5491,
            4481,
            3339,
            3436,
            3723,
            3286,
            3873,
            4854,
            2744,
            2345,
            1780,
            4345,
            4574,
            3637,
        ],
        [63199],
    ),
    "5.2": (
        [
            4773,
            4771,
            3947,
            3414,
            4708,
            5460,
            7042,
            7597,
            7722,
            9987,
            9333,
            8598,
            8056,
            9103,
            8580,
            7704,
            7726,
            6686,
            5838,
            9993,
        ],
        [141038],
    ),
    "7.1": ([14767], [9904, 4863, 0, 0, 0, 0, 0]),
    "7.2": ([14767, 47758], [19880, 12807, 7411, 8956, 3747, 5680, 4044]),
    "7.3": ([14767, 45022], [19877, 12543, 6085, 8207, 3950, 5394, 3733]),
    "7.4": ([21141], [5650, 9542, 5949, 0, 0, 0, 0, 0, 0, 0]),
    "7.5": ([14767, 43454], [19896, 12418, 5830, 8113, 3647, 4458, 3859]),
    "7.6": ([42287, 45967, 46388, 47608, 48067], [49993, 38967, 31847, 42690, 22916, 23405, 20499]),
    "7.7": ([42627, 46087, 45703, 46275, 45989], [49991, 38632, 31157, 43021, 21179, 23465, 19236]),
    "7.8": ([41544, 43781, 45698, 46410, 45356], [49988, 38310, 30108, 42563, 20883, 22225, 18712]),
    "7.9": ([40417, 43173, 42372, 44392, 45278], [49984, 37637, 29861, 41613, 19292, 18536, 18709]),
    "7.10": (
        [36434, 39034, 39775, 40984, 40215],
        [49920, 35885, 25013, 39712, 15936, 14228, 15748],
    ),
    "7.11": ([38967, 38632, 38310, 37637, 35892], [36542, 37877, 38046, 38520, 38453]),
    "7.12": ([0, 8994], [0, 8994, 0, 0, 0]),
    "7.13": ([0, 29838, 27369, 15192, 25907, 30097, 8994], [31789, 52664, 16162, 20919, 15863]),
    "8.1": ([25362], [9996, 5366, 0, 10000]),
    "8.2": ([25362, 39447], [19996, 15191, 9622, 20000]),
    "8.3": ([25362, 39372], [19996, 15167, 9571, 20000]),
    "8.4": ([25362, 39046], [19996, 15035, 9959, 19418]),
    "8.5": ([25362, 34109], [19996, 13500, 5975, 20000]),
    "8.6": ([25362, 37879], [19994, 14695, 8552, 20000]),
    "8.7": ([38007, 38690, 38463, 39037, 38994], [50000, 47843, 45348, 50000]),
    "8.8": ([37699, 38239, 38407, 38965, 38858], [50000, 47518, 44650, 50000]),
    "8.9": ([37431, 38359, 38490, 38939, 38930], [50000, 47520, 44629, 50000]),
    "8.10": ([36982, 38126, 38577, 38989, 38927], [50000, 47339, 44262, 50000]),
    "8.11": ([30549, 36779, 37668, 38622, 39065], [50000, 44483, 38200, 50000]),
    "8.12": ([47843, 47518, 47543, 47339, 44483], [43874, 46893, 47373, 48274, 48312]),
    "8.13": ([171, 19827], [9999, 9999]),
    "8.14": ([10000, 19622, 19571, 19377, 15975, 18552, 19346, 5547], [53841, 74149]),
}

GOOD = """\
- id: "7.2"
  section: "7.2"
  caption: two rows
  unit: percent
  columns: [Training, "0"]
  rows:
    M_b: [99.04, 0]
    M_os: [99.76, 74.1]
  in_text:
    - [M_os, Training, 99.7]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "numbers.yml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("id", SUMS)
def test_numbers_add_up_to_those_of_the_thesis(id: str) -> None:
    scale = {"percent": 100, "score": 10_000}[published.unit(id)]
    whole = np.rint(published.table(id).to_numpy() * scale).astype(int)
    rows, columns = SUMS[id]
    assert whole.sum(axis=1).tolist() == rows
    assert whole.sum(axis=0).tolist() == columns


def test_every_table_with_numbers_is_there() -> None:
    wanted = ["5.1", "5.2", *(f"7.{n}" for n in range(1, 14)), *(f"8.{n}" for n in range(1, 15))]
    assert published.tables() == wanted == list(SUMS)
    for id in wanted:
        assert published.caption(id)
        assert published.section(id).split(".")[0] == id.split(".")[0]


@pytest.mark.parametrize(
    ("id", "row", "column", "value"),
    [
        ("5.1", "Dog 6", "Confidence score", 0.178),
        ("5.2", "Class 6", "Confidence score", 0.9993),
        ("7.1", "M_b", "Testing", 48.63),
        ("7.4", "M_us", "1", 95.42),
        ("7.10", "a=5", "Testing", 71.61),
        ("7.11", "gamma=5", "a=5", 71.68),
        ("7.13", "M_fl", "6", 53.87),
        ("8.13", "Predicted to class 1", "Sample of class 0", 99.48),
        ("8.14", "M_c2", "1", 47.31),
    ],
)
def test_single_numbers(id: str, row: str, column: str, value: float) -> None:
    assert published.number(id, row, column) == value


def test_a_table_is_a_copy() -> None:
    published.table("7.1").loc["M_b", "Testing"] = 100.0
    assert published.number("7.1", "M_b", "Testing") == 48.63


def test_unknown_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"a table has to be one of 5\.1, 5\.2.* got '6\.1'"):
        published.table("6.1")
    with pytest.raises(ValueError, match=r"row of table 7\.2 has to be one of M_b, M_os; .*'M_x'"):
        published.number("7.2", "M_x", "Testing")
    with pytest.raises(ValueError, match=r"column of table 7\.2 has to be one of Training.*'2'"):
        published.number("7.2", "M_os", "2")


def test_contradictions_are_found() -> None:
    found = {c.quantity: c.places for c in published.contradictions()}
    assert found == {
        "M_sm, Testing": (("Table 7.3", 76.8), ("Section 7.3", 77.54)),
        "M_fl, gamma=5, a=5, Testing": (("Table 7.10", 71.61), ("Table 7.11", 71.68)),
        "M_fl2, gamma=0, a=50, 0": (("Table 8.7", 93.42), ("Table 8.14", 93.46)),
        "M_fl2, gamma=1, a=1, Testing": (("Table 8.9", 91.93), ("Table 8.12", 91.83)),
        "M_fl2, gamma=1, a=10, Testing": (("Table 8.9", 95.22), ("Table 8.12", 95.55)),
    }


def test_impossible_accuracies_by_hand() -> None:
    found = published.impossible_accuracies().set_index(["Place", "Printed"])
    assert list(found.index) == [
        ("Section 7.3", 77.54),
        ("Table 8.9", 91.93),
        ("Table 8.11", 96.72),
        ("Table 8.12", 95.55),
        ("Table 8.12", 96.72),
    ]
    # Table 8.11, a = 100: 93.93 % of 980 zeros and all of 1,135 ones are right.
    by_hand = (0.9393 * 980 + 1135) / 2115 * 100
    bounds = found.loc[("Table 8.11", 96.72), ["Lowest", "Highest"]]
    assert bounds.tolist() == pytest.approx([by_hand, by_hand])
    # Section 7.3: even with every image of classes 2, 3, 5, 8 and 9 right, 77.34 % is the most.
    hits = 0.6085 * 980 + 0.8207 * 1135 + 0.395 * 982 + 0.5394 * 958 + 0.3733 * 1028
    most = found.loc[("Section 7.3", 77.54), "Highest"]
    assert most == pytest.approx((hits + 1032 + 1010 + 892 + 974 + 1009) / 100)


def test_minority_means_by_hand() -> None:
    ten = published.minority_means("7.13")
    assert list(ten.index[:2]) == ["M_fl", "M_os"]
    assert ten["M_fl"] == pytest.approx((68.13 + 88.52 + 48.18 + 53.87 + 42.27) / 5)
    two = published.minority_means("8.14")
    assert two.index[0] == "M_us2"
    assert two["M_us2"] == pytest.approx(99.59)
    with pytest.raises(ValueError, match=r"id has to be one of 7\.13, 8\.14; got '7\.2'"):
        published.minority_means("7.2")


def test_interval_by_hand() -> None:
    # Mean 12, standard deviation 2, t with 2 degrees of freedom 4.302653.
    found = published.compare(12.0, [10.0, 12.0, 14.0])
    half = 4.302653 * 2 / math.sqrt(3)
    assert (found.mean, found.n, found.diverged) == (12.0, 3, 0)
    assert found.low == pytest.approx(12 - half, abs=1e-5)
    assert found.high == pytest.approx(12 + half, abs=1e-5)


def test_verdict_turns_at_the_two_sample_bound() -> None:
    bound = 4.302653 * 2 * math.sqrt(1 / 3 + 1 / 5) + 0.005
    for sign in (-1, 1):
        inside = published.compare(12 + sign * (bound - 1e-4), [10, 12, 14])
        outside = published.compare(12 + sign * (bound + 1e-4), [10, 12, 14])
        assert (inside.verdict, outside.verdict) == ("agrees", "differs")


def test_without_spread_only_rounding_is_granted() -> None:
    assert published.compare(0.0, [0.0] * 5).verdict == "agrees"
    assert published.compare(76.8, [76.805] * 5).verdict == "agrees"
    assert published.compare(76.8, [76.806] * 5).verdict == "differs"


@pytest.mark.parametrize(
    ("sample", "verdict", "n", "diverged"),
    [
        ([], "missing", 0, 0),
        ([math.nan], "missing", 0, 1),
        ([7.0], "one seed", 1, 0),
        ([7.0, math.nan], "one seed", 1, 1),
        ([7.0, 7.0, math.nan], "too few seeds", 2, 1),
        ([6.0, 9.0], "too few seeds", 2, 0),
        ([7.0, 7.0, 7.0, math.nan], "agrees", 3, 1),
    ],
)
def test_few_runs(sample: list[float], verdict: str, n: int, diverged: int) -> None:
    found = published.compare(7.0, sample)
    assert (found.verdict, found.n, found.diverged) == (verdict, n, diverged)
    assert math.isnan(found.mean) == (n == 0)
    assert math.isnan(found.low) == math.isnan(found.high) == (n < 2)


def test_compare_refuses_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="published has to be a finite number; got nan"):
        published.compare(math.nan, [1.0, 2.0])
    with pytest.raises(ValueError, match="a diverged run is given as NaN"):
        published.compare(1.0, [1.0, math.inf])


values = st.lists(st.floats(0, 100), min_size=2, max_size=12)


@settings(deadline=None, max_examples=50)
@given(values, st.floats(0, 100), st.randoms(use_true_random=False))
def test_comparison_ignores_the_order_of_seeds(sample, number, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(sample, len(sample))
    first, second = published.compare(number, sample), published.compare(number, shuffled)
    assert (first.low, first.high) == pytest.approx((second.low, second.high), abs=1e-9)
    assert first.low <= first.mean <= first.high
    # A published number inside our interval is never said to differ.
    if first.low <= number <= first.high and len(sample) >= published.FEWEST_SEEDS:
        assert first.verdict == "agrees"


def test_a_number_is_shown_with_the_digits_that_its_place_prints(tmp_path: Path) -> None:
    text = GOOD.replace("74.1", "74.10").replace("[99.04, 0]", "[99, 0.0]")
    (found,) = published.read(write(tmp_path, text)).values()
    assert found.printed.to_numpy().tolist() == [["99", "0.0"], ["99.76", "74.10"]]
    # Table 7.2 of the thesis: 0 %, 56.8 % and 40.44 %.
    shown = published.printed("7.2")
    assert shown["6"].tolist() == ["0", "56.8"]
    assert shown.loc["M_os", "7"] == "40.44"


def test_a_good_file_is_read(tmp_path: Path) -> None:
    (found,) = published.read(write(tmp_path, GOOD)).values()
    assert found.frame.loc["M_os"].tolist() == [99.76, 74.1]
    assert found.printed.loc["M_os"].tolist() == ["99.76", "74.1"]
    assert list(found.frame.columns) == ["Training", "0"]
    assert found.in_text == (("M_os", "Training", 99.7),)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("74.1", "104.1", r"line 8, column 19: a number from 0 to 100 is needed here, got '104.1'"),
        ("74.1", "abc", r"line 8, column 19: a number from 0 to 100"),
        ("74.1", ".nan", r"line 8, column 19: a number from 0 to 100"),
        (", 74.1", "", r"line 8, column 11: row 'M_os' has 1 numbers for 2 columns"),
        ("M_os: [", "M_b: [", r"line 8, column 5: 'M_b' is there twice"),
        ("unit: percent", "unit: apples", r"line 4, column 9: unit must be percent or score"),
        ("  unit: percent\n", "", r"line 1, column 3: 'unit' is missing"),
        ('"7.2"\n  section', "seven\n  section", r"line 1, column 7: a table's number looks like"),
        ("caption: two", "colour: red\n  caption: two", r"line 3, column 11: 'colour' is not"),
        ("M_os, Training, 99.7]", "M_x, Training, 9]", r"line 10, column 7: .* no cell 'M_x'"),
        ("M_os, Training, 99.7]", "M_os, 99.7]", r"line 10, column 7: a number of the text"),
        ('[Training, "0"]', "[Training, Training]", r"line 5, column 12: columns must be named"),
        ("two rows", "[two, rows]", r"line 3, column 12: a text is needed here"),
        ("two rows", "two\n  quantity: '{model}'", r"line 4, column 13: only \{row\}"),
        ("two rows", "two\n  means: {M_x: M_y}", r"line 4, column 16: there is no row 'M_x'"),
        ("[99.04, 0]", "99.04", r"line 7, column 10: a list is needed here"),
        ("[99.04, 0]", "[99.04, 0", r"line 8, column 9: "),
        ('- id: "7.2"', '- "7.2"\n- id: "7.3"', r"line 1, column 3: names with values"),
        (GOOD, "", r"line 1: a list of tables is needed"),
        (GOOD, GOOD + GOOD, r"line 11, column 3: table 7.2 is there already"),
        ("two rows", "two \x07 rows", r"special characters are not allowed"),
    ],
)
def test_errors_name_file_and_position(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(published.PublishedError, match=rf"numbers\.yml.*{problem}"):
        published.read(path)
