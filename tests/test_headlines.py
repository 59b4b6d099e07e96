"""The landing page's numbers, computed another way."""

import numpy as np
import pytest

from thesis_lib import confidences, experiments, headlines, published, verdicts


def test_wrong_labels_are_the_first_of_the_sorted_list() -> None:
    # The images are two a class, the labels the list's first twenty, and one order shuffles both.
    images, labels = np.repeat(np.arange(10), 2), np.repeat([0, 1, 2], [2, 5, 13])
    assert headlines.wrong_labels() == (images != labels).sum() == 16


def test_recalls_are_means_over_the_classes() -> None:
    found = headlines.undersampled()
    printed = published.table("7.4").loc["M_us"]
    assert found["published"] == pytest.approx(sum(printed[c] for c in "0123456789") / 10)
    runs = experiments.results("multiclass/rus-corrected-long")
    assert found["trained to the end"] == pytest.approx(100 * np.mean([r.recall for r in runs]))


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
