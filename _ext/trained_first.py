"""Sphinx extension that trains side by side on a GPU what chapters would train one by one.

A build that trains, ``full`` or ``fresh``, does so before its chapters are executed, where JAX
finds a GPU: in a process of its own, which has left the GPU when the first chapter comes to it.
Chapters then find these runs, and train only what is still missing. Their cells have no time limit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from sphinx.util import logging

# Sphinx has the folder of its extensions on its path.
import side_by_side  # type: ignore[import-not-found]

logger = logging.getLogger(__name__)


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("config-inited", settle)
    app.connect("builder-inited", train_missing)
    # After thesis_book has dropped from the cache what is out of date, before side_by_side.
    app.connect("env-get-outdated", train_afresh, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def settle(app: Any, config: Any) -> None:
    """Tell the kernels what they would each ask Keras; let cells that train take their time."""
    setting = os.environ.get("THESIS_BUILD") or _found_setting(app)
    os.environ["THESIS_BUILD"] = setting
    if setting in ("full", "fresh"):
        config.nb_execution_timeout = -1


def _found_setting(app: Any) -> str:
    """Return the setting of this machine; Keras is asked only where there may be a GPU."""
    asked = _asked(app, "build_setting()") if shutil.which("nvidia-smi") else ""
    return asked or "quick"


def train_missing(app: Any) -> None:
    """Train what has no record, before it is looked at which chapters the records change."""
    if os.environ.get("THESIS_BUILD") == "full":
        _sweep(app)


def train_afresh(app: Any, env: Any, added: Any, changed: Any, removed: Any) -> list[str]:
    """Train everything again, if a chapter is to be executed; its kernels find it in one folder."""
    if os.environ.get("THESIS_BUILD") == "fresh" and side_by_side.waiting(env):
        folder = Path(app.outdir).parent / "fresh"
        shutil.rmtree(folder, ignore_errors=True)
        os.environ["THESIS_LIB_FRESH"] = str(folder)
        _sweep(app, THESIS_LIB_RECORDS=str(folder))
    return []


def _asked(app: Any, expression: str, **variables: str) -> str:
    """Return what a process of its own says of `experiments`; "" if it cannot."""
    code = f"from thesis_lib import experiments; print(experiments.{expression})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=app.srcdir,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return done.stdout.strip()


def _sweep(app: Any, **variables: str) -> None:
    """Train all of the thesis that has no record yet, where JAX finds a GPU."""
    if _asked(app, "has_gpu()", KERAS_BACKEND="jax") != "True":
        return
    logger.info("training what is missing of the thesis, side by side on the GPU")
    environment = {**os.environ, **variables}
    environment.pop("TQDM_DISABLE", None)  # a bar is for the terminal here, not for a page
    command = [sys.executable, "-m", "thesis_lib", "sweep", "thesis", "--device", "gpu"]
    status = subprocess.run(command, cwd=app.srcdir, env=environment).returncode
    if status != 0:
        logger.warning(f"`{' '.join(command[1:])}` ended with status {status}; chapters train on.")
