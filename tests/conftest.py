"""What several tests share."""

import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TQDM_DISABLE", "1")

from thesis_lib import data


@pytest.fixture(scope="session")
def mnist() -> data.Dataset:
    """Real MNIST; tests that need it are skipped, with the reason, where it is missing."""
    try:
        return data.load("mnist")
    except data.DataUnavailable as error:
        pytest.skip(f"needs MNIST: {error}")
