"""Arguments that are one number, one of a few names, or a number a class, in one wording."""

from __future__ import annotations

import contextlib
import math
import numbers
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Literal

Ends = Literal["[]", "[)", "(]", "()"]


def number(
    name: str, value: float, low: float = -math.inf, high: float = math.inf, ends: Ends = "[]"
) -> float:
    """Return a number that lies in an interval; infinity lies in none.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value, low, high : float
    ends : {"[]", "[)", "(]", "()"}
        Which bounds belong to the interval.

    Raises
    ------
    TypeError
        If it is no number; a bool and an array are none.
    ValueError
        If it lies outside the interval, or is NaN.
    """
    found = math.nan
    if _is_number(value):
        with contextlib.suppress(OverflowError):  # a whole number beyond all floats
            found = float(value)
    above = low < found or (low == found and ends[0] == "[")
    below = found < high or (found == high and ends[1] == "]")
    if above and below and math.isfinite(found):
        return found
    allowed = "be a finite number"
    if high < math.inf:
        allowed = f"lie in {ends[0]}{low}, {high}{ends[1]}"
    elif low > -math.inf:
        allowed = f"be a number {'from' if ends[0] == '[' else 'above'} {low}"
    raise _error(name, allowed, value)


def whole(name: str, value: int, low: int, high: float = math.inf) -> int:
    """Return a whole number from low to high; 2.0 is none.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value, low, high : int

    Raises
    ------
    TypeError, ValueError
        As for `number`.
    """
    if _is_number(value) and isinstance(value, numbers.Integral) and low <= value <= high:
        return int(value)
    raise _error(name, f"be a whole number from {low}{f' to {high}' * (high < math.inf)}", value)


def one_of(name: str, value: Hashable, known: Iterable[Hashable]) -> None:
    """Refuse a value that is none of those that are known.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : hashable
    known : iterable of hashable

    Raises
    ------
    ValueError
        If it is none of them.
    """
    allowed = list(known)
    # An array would be compared entry by entry.
    if not isinstance(value, Hashable) or value not in allowed:
        raise _error(name, f"be one of {', '.join(map(str, allowed))}", value, ValueError)


def by_class(name: str, values: Any) -> Any:
    """Return what holds an entry a class in the order of the classes, 0 to C - 1.

    A pandas Series, as of ``value_counts()``, is sorted by its index, the class numbers; anything
    else without names of its own comes back as it is.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    values : array_like, (C,)

    Raises
    ------
    ValueError
        If it is a mapping, or its index is not made of the class numbers.
    """
    # Only pandas' types sort by an index; a list's `index` is a method that looks things up.
    sort = getattr(values, "sort_index", None)
    if sort is None and not isinstance(values, Mapping):
        return values
    if sort is not None:
        found = list(values.index)
        if len(set(found)) == len(found) and set(found) == set(range(len(found))):
            return sort()
    allowed = "be a list, a number a class in the order of the columns"
    raise _error(name, allowed, values, ValueError)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _error(
    name: str, allowed: str, value: object, kind: type[Exception] | None = None
) -> Exception:
    kind = kind or (ValueError if _is_number(value) else TypeError)
    shown = " ".join(repr(value).split())
    return kind(f"{name} has to {allowed}; got {shown[:60]}{'…' * (len(shown) > 60)}.")
