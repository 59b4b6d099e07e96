"""Time budgets: what trains in a ``with limit(seconds)`` block ends once they are over."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from contextvars import ContextVar

from thesis_lib import arguments

clock = time.monotonic

_end: ContextVar[float] = ContextVar("end", default=math.inf)


class OutOfTime(Exception):
    """Training was stopped since its time budget is used up."""


@contextlib.contextmanager
def limit(max_seconds: float | None) -> Iterator[None]:
    """Give a ``with`` block a time budget, inside that of an outer block if there is one.

    Parameters
    ----------
    max_seconds : float or None
        At least 0; None sets no limit.

    Raises
    ------
    ValueError, TypeError
        If it is no such number.
    """
    if max_seconds is None:
        yield
        return
    end = clock() + arguments.number("max_seconds", max_seconds, 0)
    before = _end.set(min(end, _end.get()))
    try:
        yield
    finally:
        _end.reset(before)


def left() -> float:
    """Return how many seconds are left: infinity without a limit, and never less than 0."""
    return max(0.0, _end.get() - clock())


def check() -> None:
    """Return while there is time left.

    Raises
    ------
    OutOfTime
        If there is none.
    """
    if left() == 0:
        raise OutOfTime("The time is up.")
