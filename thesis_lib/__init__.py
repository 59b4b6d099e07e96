"""Deep learning with imbalanced data sets: the library that the book's chapters call."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thesis_lib.own.comparison import compare
    from thesis_lib.own.comparison_result import Comparison
    from thesis_lib.own.splits import compare_splits
    from thesis_lib.own.trained_method import TrainedMethod, fit, load

__version__ = "0.1.0"
__all__ = ["Comparison", "TrainedMethod", "compare", "compare_splits", "fit", "load"]

_HOMES = {
    "Comparison": "own.comparison_result",
    "TrainedMethod": "own.trained_method",
    "compare": "own.comparison",
    "compare_splits": "own.splits",
    "fit": "own.trained_method",
    "load": "own.trained_method",
}


def __getattr__(name: str) -> object:
    """Import what is first asked for, so that importing the package takes no time."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return what is meant to be called from outside, for those who complete names."""
    return sorted([*__all__, "__version__"])
