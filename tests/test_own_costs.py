"""What mistakes cost, by the names of the classes, and decisions by it."""

import argparse
import csv
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import thesis_lib
from tests.test_comparison import binary, made, squares
from tests.test_own_data import photos
from tests.test_own_network import one_layer
from thesis_lib.__main__ import main
from thesis_lib.own import comparison, costs, loading, offered, trained_method

COUNTS = np.array([30, 10, 4])
NAMES = ("whole", "stain", "chip")
X = np.zeros((COUNTS.sum(), 8, 8), np.uint8)  # all black, so only shares can be learnt
Y = np.repeat(NAMES, COUNTS)
OF_NONE = {
    *("mfe", "focal", "class-balanced", "ldam", "ldam-drw", "remix", "tuned-threshold"),
    *("ros-focal", "smote-weighted"),
}


def options(text: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    costs.add_arguments(parser)
    return parser.parse_args(text.split())


def of_alike(method: str) -> trained_method.TrainedMethod:
    return thesis_lib.fit(
        X,
        Y,
        method=method,
        epochs=150,
        batch_size=44,
        learning_rate=0.02,
        network=one_layer,
        progress=False,
    )


# Names


def test_costs_by_name_are_those_by_number() -> None:
    found = costs.matrix({("stain", "whole"): 50, ("chip", "stain"): 0}, NAMES)
    np.testing.assert_array_equal(found, [[0, 1, 1], [50, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(costs.matrix({(7, 3): 2}, np.array([3, 7])), [[0, 1], [2, 0]])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({("Stain", "whole"): 5}, ValueError, "no class 'Stain'; did you mean stain?"),
        ({("stain", "stain"): 5}, ValueError, "costs has stain taken for stain, which is right"),
        ({("stain", "whole"): -1}, ValueError, "cost of stain taken for whole has to be a number"),
        ({"stain": 5}, TypeError, "has to name single mistakes"),
        ({("stain", "whole", "chip"): 5}, TypeError, "has to name single mistakes"),
        ([[0, 1], [50, 0]], TypeError, "has to name single mistakes"),
    ],
)
def test_slips_in_costs_are_told(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        costs.matrix(given, NAMES)


def test_options_are_read_as_arguments() -> None:
    shares = "--share chip 2 --share whole 7 --share stain 1"
    found = costs.of_options(
        options(f"--cost stain whole 50 --cost chip whole 9.5 {shares}"), NAMES
    )
    assert found["costs"] == {("stain", "whole"): 50, ("chip", "whole"): 9.5}
    np.testing.assert_allclose(found["prior"], [0.7, 0.1, 0.2])
    assert costs.of_options(options("--cost stain whole 5"), NAMES)["prior"] is None
    alone = costs.of_options(options(shares), NAMES)
    assert alone["costs"] is None
    np.testing.assert_allclose(alone["prior"], [0.7, 0.1, 0.2])
    assert costs.of_options(options(""), NAMES) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--cost stain hole 50", "no class 'hole'; did you mean whole?"),
        ("--cost stain whole much", "--cost ends with a number, such as 50; got 'much'"),
        ("--share stain 50", "No share is given of whole, chip; give one of each class."),
        (
            "--cost stain whole 5 --cost stain whole 7",
            "--cost stain whole is given twice; give it once.",
        ),
        ("--share stain 1 --share stain 2", "--share stain is given twice; give it once."),
        ("--share stain much", "--share ends with a number, such as 50; got 'much'"),
        ("--cost stain whole 5 --share stain 1", "No share is given of whole, chip"),
        (
            "--cost stain whole 5 --share stain 0 --share whole 1 --share chip 1",
            "The share of stain has to be a number above 0; got 0.0.",
        ),
    ],
)
def test_slips_in_options_are_told(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        costs.of_options(options(text), NAMES)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (lambda y: y.astype(float), ("1", "0")),
        (lambda y: np.eye(3)[y], ("1", "0")),
        (lambda y: np.array([b"chip", b"stain", b"whole"])[y], ("stain", "chip")),
    ],
    ids=["floats", "one-hot", "bytes"],
)
def test_the_command_knows_classes_by_the_names_that_the_comparison_gives_them(
    labels: Callable[[np.ndarray], np.ndarray],
    names: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of arrays that are split already; other names are refused before anything is trained."""
    (x, y), (z, w) = squares([6, 6, 6], 0), squares([3, 3, 3], 1)
    file, out = tmp_path / "own.npz", tmp_path / "out"
    np.savez(file, x_train=x, y_train=labels(y), x_test=z, y_test=labels(w))
    few = ["--methods", "cross-entropy", "--seeds", "1", "2", "--epochs", "1"]
    command = ["compare-on", str(file), *few, "--out", str(out)]
    assert main([*command, "--cost", *names, "50"]) == 0
    assert f"{names[0]} taken for {names[1]} costs 50" in (out / "report.html").read_text("utf-8")
    capsys.readouterr()
    monkeypatch.setattr(comparison, "compare", lambda *sets, **settings: pytest.fail("trained"))
    for strange in (str(labels(y)[0]), "1.0"):
        assert main([*command, "--cost", strange, names[1], "50"]) == 2
        assert f"There is no class {strange!r}" in capsys.readouterr().err


def test_shares_go_to_their_classes() -> None:
    """By names where the keys are names, and else by place; as counts of one's labels come."""
    named = {"chip": 4, "whole": 30, "stain": 10}
    for given in (named, pd.Series(named), COUNTS, COUNTS.tolist(), pd.Series(COUNTS)):
        np.testing.assert_allclose(costs.prior_of(given, NAMES), COUNTS / 44)
    alphabetical = np.unique(Y)
    for counted in (pd.Series(Y).value_counts(), pd.Series(Y).value_counts(normalize=True)):
        np.testing.assert_allclose(
            costs.prior_of(counted, alphabetical), [4 / 44, 10 / 44, 30 / 44]
        )


def test_shares_of_numbered_classes() -> None:
    shuffled = pd.Series([0.7, 0.2, 0.1], index=[2, 0, 1])
    for classes in ((0, 1, 2), np.arange(3), ("0", "1", "2"), (3, 5, 7)):
        np.testing.assert_allclose(costs.prior_of(shuffled, classes), [0.2, 0.1, 0.7])
    of_their_own = pd.Series([0.7, 0.2, 0.1], index=[7, 3, 5])
    np.testing.assert_allclose(costs.prior_of(of_their_own, (3, 5, 7)), [0.2, 0.1, 0.7])
    as_text = [str(k) for k in range(11)]  # in the order of text, "10" comes second
    counts = pd.Series(np.arange(11) + 1)
    np.testing.assert_allclose(
        66 * costs.prior_of(counts, sorted(as_text)), [1, 2, 11, 3, 4, 5, 6, 7, 8, 9, 10]
    )


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"whole": 9, "stain": 1}, ValueError, "No share is given of chip; give one of each"),
        (
            {"whole": 9, "Stain": 1, "chip": 1},
            ValueError,
            "There is no class 'Stain'; did you mean stain? Known: whole, stain, chip.",
        ),
        ({0: 9, 1: 1, 2: 1}, ValueError, "There is no class '0'. Known: whole, stain, chip."),
        (pd.Series([9, 1, 1], index=[1, 2, 3]), ValueError, "There is no class '1'. Known: whole"),
        (
            pd.Series([9, 1, 1, 2], index=["whole", "stain", "chip", "stain"]),
            ValueError,
            "Two shares are given of stain; give one of each class.",
        ),
        (
            {"whole": 9, "stain": 0, "chip": 1},
            ValueError,
            "The share of stain has to be a number above 0; got 0.",
        ),
        (
            {"whole": 9, "stain": "few", "chip": 1},
            TypeError,
            "The share of stain has to be a number above 0; got 'few'.",
        ),
        (pd.Series([9, 1]), ValueError, "prior has shape (2,)"),
        ([9, 1], ValueError, "prior has shape (2,)"),
        ([9, 1, 0], ValueError, "prior has to be larger than 0 for each class"),
    ],
)
def test_slips_in_shares_are_told(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        costs.prior_of(given, NAMES)


def test_a_comparison_reads_shares_by_name(tmp_path: Path) -> None:
    """Costs, intervals and p alike, in the table and the report too.

    Nine of ten images are broken, so that one of the ten tested is worth 0.9 * 50 / 10 of a cost.
    """
    result = made({"cross-entropy": binary([7, 7, 7], of=10), "ros": binary([8, 8, 8], of=10)})
    price = {("c1", "c0"): 50}
    plain = result.costs(price, [0.1, 0.9])
    ros, error = plain.loc["ros"], 4.5 / 12**0.5 / 3**0.5
    np.testing.assert_allclose([ros["Cost"], ros["Difference"]], [0.9 * 0.2 * 50, -0.9 * 0.1 * 50])
    np.testing.assert_allclose(ros["p"], 2 * stats.t.sf(4.5 / error, 2))
    half = ros["Difference high"] - ros["Difference"]
    np.testing.assert_allclose(half, stats.t.ppf(0.975, 2) * error)
    for prior in (
        {"c1": 0.9, "c0": 0.1},
        pd.Series({"c1": 0.9, "c0": 0.1}),
        pd.Series([0.9, 0.1], index=[1, 0]),
    ):
        pd.testing.assert_frame_equal(result.costs(price, prior), plain)
        pd.testing.assert_frame_equal(
            result.cost_table(price, prior), result.cost_table(price, [0.1, 0.9])
        )
        report = result.save_report(tmp_path / "report.html", costs=price, prior=prior)
        shown = f"{plain.loc['ros', 'Cost']:.3f} ["
        assert shown in report.read_text("utf-8")
    with pytest.raises(ValueError, match="There is no class 'C1'; did you mean c1"):
        result.save_report(tmp_path / "report.html", costs=price, prior={"C1": 1, "c0": 9})


# For which shares outputs are probabilities


@pytest.mark.parametrize("method", sorted(OF_NONE))
def test_outputs_that_are_no_probabilities_have_no_shares(method: str) -> None:
    with pytest.raises(ValueError, match=f"outputs of {method} are no .* one of cross-entropy, "):
        offered.prior(method, COUNTS)


@pytest.mark.filterwarnings("ignore:The largest pixel is 0")
@pytest.mark.parametrize(
    "method", [m for m in offered.METHODS if m not in OF_NONE and "ensemble" not in m]
)
def test_where_images_tell_nothing_outputs_are_the_shares(method: str) -> None:
    """Then the probability of a class is its share in what the network met, and nothing else."""
    keras.utils.set_random_seed(0)
    trained = of_alike(method)
    shares = offered.prior(method, trained.class_counts) / 1.0
    np.testing.assert_allclose(trained.predict_proba(X[:1])[0], shares / shares.sum(), atol=0.02)


# Decisions


def by_hand(outputs: Iterable[Iterable[float]], matrix: list[list[float]]) -> list[int]:
    """The class of the least expected cost, written out."""
    rows = [[sum(p * matrix[c][j] for c, p in enumerate(row)) for j in range(3)] for row in outputs]
    return [row.index(min(row)) for row in rows]


def test_predictions_cost_least_at_the_shares_of_use() -> None:
    x, y = squares([40, 20, 6], 0)
    trained = thesis_lib.fit(x, y, method="ros", epochs=2, network=one_layer, progress=False)
    outputs = trained.predict_proba(x)
    matrix = [[0, 1, 1], [9, 0, 1], [1, 1, 0]]
    for prior, shares in ((None, np.array([40, 20, 6])), ([1, 1, 8], np.array([1, 1, 8]))):
        moved = outputs * shares / (outputs * shares).sum(1, keepdims=True)  # ROS met equal ones
        found = trained.predict(x, costs={(1, 0): 9}, prior=prior)
        assert found.tolist() == by_hand(moved, matrix)
        np.testing.assert_allclose(trained.predict_proba(x, prior=shares), moved, atol=1e-9)
        assert trained.predict(x, prior=shares).tolist() == moved.argmax(1).tolist()
    assert trained.predict(x).tolist() == outputs.argmax(1).tolist()
    assert (trained.predict(x, costs={(1, 0): 9}) != trained.predict(x)).any()


def test_predictions_read_shares_by_name() -> None:
    x, y = squares([40, 20, 6], 0)
    names = np.array(["whole", "stain", "chip"])[y]  # in the order of classes_ the last is whole
    trained = thesis_lib.fit(x, names, method="ros", epochs=2, network=one_layer, progress=False)
    counted = pd.Series(names).value_counts(normalize=True)
    moved = trained.predict_proba(x) * [6, 20, 40]  # ROS met equal ones
    moved /= moved.sum(1, keepdims=True)
    price = {("chip", "whole"): 9}
    for prior in (counted, counted.to_dict(), [6, 20, 40]):
        np.testing.assert_allclose(trained.predict_proba(x, prior=prior), moved, atol=1e-9)
        np.testing.assert_allclose(trained.decide(x, prior=prior)[0], moved, atol=1e-9)
        likeliest = trained.classes_[moved.argmax(1)]
        assert trained.predict(x, prior=prior).tolist() == likeliest.tolist()
        cheapest = trained.classes_[by_hand(moved, [[0, 1, 9], [1, 0, 1], [1, 1, 0]])]
        assert trained.predict(x, costs=price, prior=prior).tolist() == cheapest.tolist()
    with pytest.raises(ValueError, match="No share is given of stain; give one of each class"):
        trained.predict(x, prior={"whole": 9, "chip": 1})


def test_no_probabilities_are_not_weighed() -> None:
    x, y = squares([40, 20, 6], 0)
    trained = thesis_lib.fit(x, y, method="focal", epochs=1, network=one_layer, progress=False)
    with pytest.raises(ValueError, match="outputs of focal are no probabilities"):
        trained.predict(x, costs={(1, 0): 9})
    with pytest.raises(ValueError, match=r"prior has shape \(2,\).*each of the 3 classes"):
        thesis_lib.fit(
            x, y, method="ros", epochs=1, network=one_layer, progress=False
        ).predict_proba(x, prior=[1, 2])


def test_the_commands_take_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table and the report say them, and predictions are those of the library."""
    folder, out = photos(tmp_path / "photos", {"dark": 8, "light": 6}), tmp_path / "out"
    few = ["--epochs", "1", "--size", "8"]
    price = ["--cost", "light", "dark", "50"]
    compare = ["compare-on", str(folder), *few, "--methods", "ros", "--seeds", "1", "2"]
    assert main([*compare, *price, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "light taken for dark costs 50, any other mistake 1." in said
    assert re.search(r"Random oversampling +\d+\.\d{3} \[.*\] +-?\d+\.\d{3} \[.*\] +\S+\n", said)
    report = (out / "report.html").read_text("utf-8")
    assert "<h2>What mistakes cost</h2>" in report
    assert "light taken for dark costs 50" in report
    model = tmp_path / "ros.keras"
    assert main(["fit-on", str(folder), *few, "--method", "ros", "--out", str(model)]) == 0
    capsys.readouterr()
    shares = ["--share", "light", "1", "--share", "dark", "3"]
    assert main(["predict-on", str(model), str(folder), *price, *shares]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    trained = thesis_lib.load(model)
    x, _, _ = loading.load_to_fit(folder, size=8)
    found = trained.predict(x, costs={("light", "dark"): 50}, prior=[3, 1])
    assert [row["predicted"] for row in rows] == found.tolist()
    likely = trained.predict_proba(x, prior=[3, 1])
    picked = [likely[i, trained.classes_ == label][0] for i, label in enumerate(found)]
    np.testing.assert_allclose([float(row["probability"]) for row in rows], picked, atol=1e-4)
    assert main(["predict-on", str(model), str(folder), *shares]) == 0
    alone = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["predicted"] for row in alone] == trained.classes_[likely.argmax(1)].tolist()
    np.testing.assert_allclose([float(r["probability"]) for r in alone], likely.max(1), atol=1e-4)
    assert main([*compare, *shares, "--out", str(out)]) == 2
    assert "--share is for --cost; give --cost as well." in capsys.readouterr().err
    assert main(["predict-on", str(model), str(folder), "--cost", "lamp", "dark", "5"]) == 2
    assert "no class 'lamp'" in capsys.readouterr().err
