"""What several tests share."""

import os
import signal
from collections.abc import Iterator

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TQDM_DISABLE", "1")
# One thread a process, since the suite has a process a core: more would wait for each other.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from thesis_lib import data

# A shell starts what runs in the background with Ctrl-C ignored, and the processes that tests start
# and interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The files that take longest, the longest first: processes that begin with them end together.
LONG = (
    *("test_browser", "test_reliability", "test_vectorized", "test_cluster", "test_own_network"),
    *("test_comparison", "test_later", "test_own_fit", "test_pdf", "test_explore", "test_losses"),
    *("test_training", "test_retrained", "test_fuzz", "test_lab", "test_own_use"),
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first; within a file, and among the others, the random order stays."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session")
def mnist() -> data.Dataset:
    """Real MNIST; tests that need it are skipped, with the reason, where it is missing."""
    try:
        return data.load("mnist")
    except data.DataUnavailable as error:
        pytest.skip(f"needs MNIST: {error}")


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Train and predict without tracing graphs, which takes longer than a few batches do."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
