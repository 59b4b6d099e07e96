"""Which values of a table are the best, for tables that mark them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_NUMBER = re.compile(r"[+\-−]?\d[\d,]*(\.\d+)?")


@dataclass(frozen=True)
class Best:
    """The marked cells of a table, and what the mark says.

    Attributes
    ----------
    where : ndarray of bool, (n_rows, n_columns)
    meaning : str
        For instance "the largest of its column".
    """

    where: NDArray[np.bool_]
    meaning: str


def largest(
    frame: pd.DataFrame,
    columns: Sequence[str] | None = None,
    *,
    by: Sequence[str] | None = None,
    whole: bool = False,
) -> Best:
    """Find the largest value of each column; all of them where several are equal.

    Where all compared values are equal, or only one is there, none is the best.

    Parameters
    ----------
    frame : DataFrame
        Numbers, or texts that begin with one, such as "79.44 ± 0.31"; others are not compared.
    columns : sequence of str, optional
        Those to compare; all by default.
    by : sequence of str, optional
        A name for each row: rows are compared with those of the same name, and not at all where
        it is empty.
    whole : bool
        Compare all columns as one, since they hold one measure.
    """
    return _extreme(frame, columns, by, whole, "largest")


def smallest(frame: pd.DataFrame, columns: Sequence[str] | None = None) -> Best:
    """Find the smallest value of each column, as :func:`largest` finds the largest.

    Parameters
    ----------
    frame, columns
        As for `largest`.
    """
    return _extreme(frame, columns, None, False, "smallest")


def _extreme(
    frame: pd.DataFrame,
    columns: Sequence[str] | None,
    by: Sequence[str] | None,
    whole: bool,
    which: str,
) -> Best:
    if by is not None and len(by) != len(frame):
        raise ValueError(f"by needs a name for each of {len(frame)} rows; got {len(by)}.")
    values = np.array([[_number(cell) for cell in row] for row in frame.to_numpy(dtype=object)])
    values = values.reshape(frame.shape)
    if columns is not None:
        values[:, ~frame.columns.isin(columns)] = np.nan
    if which == "smallest":
        values = -values
    names = np.array(["all"] * len(frame) if by is None else by)
    where = np.zeros(frame.shape, dtype=bool)
    for name in set(names) - {""}:
        rows = names == name
        where[rows] = _peaks(values[rows], None if whole else 0)
    meaning = f"the {which} of {'the table' if whole else 'its column'}"
    if by is not None:
        meaning += f" among {' and among '.join(dict.fromkeys(filter(None, by)))} numbers"
    return Best(where, meaning)


def _peaks(values: NDArray[np.float64], axis: int | None) -> NDArray[np.bool_]:
    """Return where the largest value is, unless no other is smaller."""
    known = ~np.isnan(values)
    top = np.max(values, axis=axis, keepdims=True, where=known, initial=-np.inf)
    low = np.min(values, axis=axis, keepdims=True, where=known, initial=np.inf)
    found: NDArray[np.bool_] = (values == top) & (low < top)
    return found


def _number(cell: object) -> float:
    if isinstance(cell, str):
        match = _NUMBER.match(cell)
        return float(match[0].replace("−", "-").replace(",", "")) if match else np.nan
    return float(cell) if isinstance(cell, int | float | np.number) else np.nan
