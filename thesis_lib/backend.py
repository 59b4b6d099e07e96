"""Start Keras and its backend: without the notes that nobody asked for, with the fast kernels."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


def start() -> None:
    """Import Keras and its backend, once, with the process's standard error closed meanwhile.

    TensorFlow's C++ writes its notes before anyone can turn them off. What goes wrong in Python is
    raised as ever.
    """
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow leaves oneDNN to processors with AVX-512; one with AVX2 alone trains the thesis's
    # network 1.5 times as fast with it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _closed_stderr():
        import keras  # noqa: F401


@contextlib.contextmanager
def _closed_stderr() -> Iterator[None]:
    if sys.stderr is None:  # as without a console on Windows: there is nothing to close
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
