"""Methods compared on several splits of one set of images."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import thesis_lib
from tests.test_comparison import quick, squares
from tests.test_own_data import photos
from thesis_lib import intervals
from thesis_lib.__main__ import main
from thesis_lib.data import stratified_split
from thesis_lib.engine import budget
from thesis_lib.own import comparison_report
from thesis_lib.own.comparison_result import Comparison
from thesis_lib.own.offered import BASELINE

X, Y = squares([30, 20, 10], 0)
SETTINGS = {"methods": ["prior-correction"], "epochs": 2, "batch_size": 21, "learning_rate": 0.01}
pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def found() -> Comparison:
    return thesis_lib.compare_splits(X, Y, seeds=[3, 4], progress=False, **SETTINGS)


def test_each_seed_is_the_comparison_on_its_own_split(found: Comparison) -> None:
    for seed in (3, 4):
        train, test = stratified_split(Y, 0.3, seed)
        alone = quick((X[train], Y[train]), (X[test], Y[test]), **{**SETTINGS, "seeds": [seed]})
        for method in (BASELINE, "prior-correction"):
            assert_array_equal(found.confusions[method][seed], alone.confusions[method][seed])
            assert found.loss_curves[method][seed] == alone.loss_curves[method][seed]
    assert list(found.confusions[BASELINE]) == [3, 4]
    assert (found.train_counts.tolist(), found.test_counts.tolist()) == ([21, 14, 7], [9, 6, 3])
    assert found.overlap == 18 / 42
    assert found.settings["test_size"] == 0.3


def test_intervals_and_tests_allow_for_what_splits_share(found: Comparison) -> None:
    """The corrected resampled t-test of Nadeau and Bengio, written out."""
    sample = [4.0, 6.0, 8.0, 7.0, 5.0]
    error = np.sqrt(np.var(sample, ddof=1) * (1 / 5 + 3 / 7))
    half = stats.t.ppf(0.975, 4) * error
    assert_allclose(intervals.t_interval(sample, 3 / 7), [6, 6 - half, 6 + half])
    p = 2 * stats.t.sf(6 / error, 4)
    assert_allclose(intervals.paired_t(sample, 0.1, 3 / 7), [6, 6 - half, 6 + half, p])
    plain = Comparison(
        found.classes, found.train_counts, found.test_counts, found.confusions, overlap=0.0
    )
    widths = [
        (one["High"] - one["Low"]).loc["prior-correction"]
        for one in (found.paired(), plain.paired())
    ]
    assert widths[0] / widths[1] == pytest.approx(np.sqrt((1 / 2 + 18 / 42) / (1 / 2)))
    costs = [
        c.loc[BASELINE, "High"] - c.loc[BASELINE, "Low"] for c in (found.costs({}), plain.costs({}))
    ]
    assert costs[0] / costs[1] == pytest.approx(widths[0] / widths[1])


def test_the_texts_say_that_images_were_split_anew(found: Comparison) -> None:
    (caveat,) = [c for c in found.caveats() if "Each seed split the same images anew" in c]
    assert "Nadeau and Bengio" in caveat
    assert not any("not the data" in c for c in found.caveats())
    page = comparison_report.page(found)
    assert "over the splits (Student&#x27;s t, corrected for the images that they share)" in page
    assert "seeds 3, 4, each of a split of its own;" in page


def test_the_command_splits_anew_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos(tmp_path / "photos", {"whole": 12, "scratched": 6, "lonely": 1})
    command = ["compare-on", str(tmp_path / "photos"), "--methods", "prior-correction"]
    command += ["--seeds", "1", "2", "--epochs", "1", "--size", "8", "--resplit"]
    command += ["--out", str(tmp_path / "out")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "Split 1 of 2." in said
    assert "Split 2 of 2." in said
    note = "30% of each class, drawn anew with each seed, are the test set. 1 class of one image"
    assert note in said
    assert note in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert main(command) == 0
    assert capsys.readouterr().out.count("Recorded already, and not trained again: 1 of 1") == 2
    assert main([*command, "--split-seed", "7"]) == 2
    assert "leave --split-seed out" in capsys.readouterr().err


def test_what_is_split_already_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos(tmp_path / "photos" / "train", {"a": 2, "b": 2})
    photos(tmp_path / "photos" / "test", {"a": 2, "b": 2})
    np.savez(tmp_path / "arrays.npz", x_train=X, y_train=Y, x_test=X, y_test=Y)
    for name in ("photos", "arrays.npz"):
        command = ["compare-on", str(tmp_path / name), "--resplit", "--out", str(tmp_path / "out")]
        assert main(command) == 2
        assert f"{name} has a training and a test set." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": X[:5]}, "x has 5 images, but y has 60 labels"),
        ({"x": 3}, "x has 0 images, but y has 60 labels"),
        ({"test_size": 1.0}, r"test_size has to lie in \(0, 1\); got 1.0"),
        ({"seeds": []}, "seeds have to be whole numbers .*, at least one"),
        ({"seeds": 3}, "seeds has to be a list; got 3"),
    ],
)
def test_bad_arguments(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        thesis_lib.compare_splits(**{"x": X, "y": Y, **change})  # type: ignore[arg-type]


def test_the_split_that_ran_out_of_time_is_named() -> None:
    with budget.limit(0), pytest.raises(budget.OutOfTime, match=r"split 1 of 2: .* 2 of 2 runs"):
        thesis_lib.compare_splits(X, Y, seeds=[3, 4], progress=False, **SETTINGS)
