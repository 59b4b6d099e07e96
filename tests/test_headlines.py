"""The landing page's numbers, computed another way."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.test_report import make_run
from thesis_lib import experiments
from thesis_lib.book import confidences, headlines, listings, published, verdicts


def test_wrong_labels_are_the_first_of_the_sorted_list() -> None:
    # The images are two a class, the labels the list's first twenty, and one order shuffles both.
    images, labels = np.repeat(np.arange(10), 2), np.repeat([0, 1, 2], [2, 5, 13])
    assert listings.wrong_labels() == ((images != labels).sum(), 20) == (16, 20)


def test_recalls_are_means_over_the_classes() -> None:
    found = headlines.undersampled()
    printed = published.table("7.4").loc["M_us"]
    assert found["published"] == pytest.approx(sum(printed[c] for c in "0123456789") / 10)
    runs = experiments.results("multiclass/rus-corrected-long")
    mean, low, high = found["trained to the end"]
    recalls = [100 * np.mean(r.recall) for r in runs]
    assert mean == pytest.approx(np.mean(recalls))
    error = stats.sem(recalls) * stats.t.ppf(0.975, len(runs) - 1)
    assert (low, high) == pytest.approx((mean - error, mean + error))
    few = ", too few to judge" if len(runs) < 3 else ""
    said = f"{mean:.0f} ± {error:.0f} % ({len(runs)} seeds{few})"
    assert headlines.undersampled_to_the_end() == said


def test_a_single_run_has_no_interval_and_none_is_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    monkeypatch.setenv("THESIS_BUILD", "quick")
    assert headlines.undersampled_to_the_end() == "not recorded yet"
    confusion = tuple(map(tuple, np.eye(10, dtype=int).tolist()))
    run = make_run("multiclass/rus-corrected-long", recall=(0.5,) * 9 + (0.9,), confusion=confusion)
    experiments.record(run)
    assert headlines.undersampled_to_the_end() == "54 % (1 seed, too few to judge)"


def test_the_gain_of_the_right_labels_is_said_with_its_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    monkeypatch.setenv("THESIS_BUILD", "quick")
    assert headlines.undersampled_beside_the_listing() == "not decided yet"
    confusion = tuple(map(tuple, np.eye(10, dtype=int).tolist()))
    for seed, recall in ((1, 0.2), (2, 0.3), (3, 0.4)):
        for name, ours in (
            ("multiclass/rus", (0.2,) * 10),
            ("multiclass/rus-corrected", (recall,) * 10),
        ):
            experiments.record(make_run(name, seed, recall=ours, confusion=confusion))
    # Mean 10 points, standard deviation 10; Welch against no spread: t of 2 degrees of freedom.
    half = stats.t.ppf(0.975, 2) * 10 / 3**0.5
    said = headlines.undersampled_beside_the_listing()
    assert said == f"+10 points ({10 - half:+.0f} to {10 + half:+.0f}), which may be chance"


def test_zeros_are_those_of_msfe() -> None:
    found = headlines.zeros()
    assert found["published"] == 85.52
    runs = experiments.results("binary/msfe-corrected")
    assert found["its formula"][0] == pytest.approx(100 * np.mean([r.recall[0] for r in runs]))


def test_the_title_about_msfe_says_no_more_than_the_verdict() -> None:
    place = ("8.6", "M_fse", "0")
    few = published.compare(published.number(*place), [0.0])
    many = published.compare(published.number(*place), verdicts.sample(*place))
    printed = published.compare(85.5, [85.0, 85.5, 86.0])
    titles = [headlines.msfe_title(found.verdict) for found in (few, many, printed)]
    assert [title[-1] for title in titles] == ["?", "e", "e"]
    assert ["not" in title for title in titles] == [False, True, False]


def test_pictures_pass_by_the_range_of_their_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {1.0: [0.6, 0.7, 0.1, 0.2], 255.0: [0.9, 0.9, 0.9, 0.61]}
    monkeypatch.setattr(confidences, "of_pictures", lambda _, factor: np.array(scores[factor]))
    assert headlines.passed() == {"0 to 1": 25, "0 to 255": 100}
