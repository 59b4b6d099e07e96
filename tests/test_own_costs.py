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
import pytest

import thesis_lib
from tests.test_comparison import squares
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
    assert costs.of_options(options(""), NAMES) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--cost stain hole 50", "no class 'hole'; did you mean whole?"),
        ("--cost stain whole much", "--cost ends with a number, such as 50; got 'much'"),
        ("--share stain 50", "--share is for --cost"),
        ("--cost stain whole 5 --share stain 1", "No share is given of whole, chip"),
        ("--cost stain whole 5 --share stain 0 --share whole 1 --share chip 1", "larger than 0"),
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
    compare = ["compare-on", str(folder), *few, "--methods", "ros", "--seeds", "1", "2", *price]
    assert main([*compare, "--out", str(out)]) == 0
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
    assert main(["predict-on", str(model), str(folder), "--cost", "lamp", "dark", "5"]) == 2
    assert "no class 'lamp'" in capsys.readouterr().err
