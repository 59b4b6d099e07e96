"""Many runs in one JAX program are the same training as one run in Keras's ``fit``."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from thesis_lib import experiments
from thesis_lib.engine import vectorized

pytestmark = pytest.mark.xdist_group("jax")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    script = Path(__file__).with_name("vectorized_on_jax.py")
    folder = str(tmp_path_factory.mktemp("unfinished"))
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_ENABLE_X64": "1",
        # Nearly all the time goes to compiling: compile once and without optimisation.
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    done = subprocess.run(
        [sys.executable, str(script), folder], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_vectorised_run_follows_the_single_one(measured: dict[str, Any]) -> None:
    assert len(measured["same"]["runs"]) == 5
    for run in measured["same"]["runs"]:
        # Curves are rounded to six digits, outputs to float32. With these seeds no ReLU and no
        # maximum is decided by the order of summation; with seed 1 one is: outputs move by 1e-5.
        assert run["loss"] < 1e-6
        assert run["outputs"] < 1e-7
        assert run["moved"] > 1e-4


def test_a_stopped_group_goes_on_from_its_last_epoch(measured: dict[str, Any]) -> None:
    torn = measured["interrupted"].pop("torn")
    assert len(torn) == 1
    assert "group.npz is damaged" in torn[0]
    assert measured["interrupted"] == {
        "out_of_time": 0,
        "one_call": 0,
        "after_a_call": 2,
        "kept": True,
        "calls_after": 2,
        "calls_once_done": 1,
        "equal": True,
    }


def test_a_diverging_run_is_reported_and_touches_no_other(measured: dict[str, Any]) -> None:
    # The others of its group are those of the test above.
    assert measured["same"]["diverged"] is True
    assert measured["same"]["accuracy"] == "nan"


def test_fast_layers_are_keras_s(measured: dict[str, Any]) -> None:
    for case, difference in measured["layers"].items():
        # bfloat16 has 8 bits: sums of products of it differ by a few parts in 2**8.
        assert difference < (1e-12 if "float64" in case else 0.03), case
    assert len(measured["layers"]) == 4


def test_jax_takes_its_own_layers(measured: dict[str, Any]) -> None:
    on_jax = ["PatchConv2D", "BitDropout", "BlockMaxPooling2D", "Activation"]
    assert measured["types"] == on_jax


def test_dropout_by_bytes(measured: dict[str, Any]) -> None:
    found = measured["dropout"]
    assert abs(found["share"] - 0.2) < 5 * found["spread"]
    assert found["kept"] == [1.25]
    # Two masks differ where one of the two drops: 2 × 0.2 × 0.8.
    assert abs(found["anew"] - 0.32) < 0.02
    assert found["again"] == 0
    assert found["outside"] == 0


def test_errors_say_what_to_do(measured: dict[str, Any]) -> None:
    assert "of one group; they are of 2" in measured["errors"]["groups"]
    assert "float32, bfloat16; got 'half'" in measured["errors"]["precision"]
    assert "epochs has to be a whole number from 1; got 0" in measured["errors"]["epochs"]


def test_another_backend_is_refused() -> None:
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=jax"):
        vectorized.train_group([(experiments.get("binary/baseline"), 1)])


def test_groups_of_the_thesis() -> None:
    jobs = [(e, 1) for e in experiments.select(["binary/focal-*", "binary/baseline", "binary/rus"])]
    sizes = [len(group) for group in vectorized.groups(jobs)]
    assert sorted(sizes) == [1, 26]
    grown = ("multiclass/ros", "multiclass/smote", "multiclass/ros-corrected")
    apart = ("multiclass/rus", "multiclass/baseline", "binary/ros", "binary/mfe")
    jobs = [(experiments.get(name), s) for name in (*grown, *apart) for s in (1, 2)]
    assert [len(group) for group in vectorized.groups(jobs)] == [6, 2, 2, 2, 2]
    many = [(experiments.get("binary/baseline"), s) for s in range(120)]
    assert [len(group) for group in vectorized.groups(many)] == [68, 52]
