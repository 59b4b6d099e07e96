"""The thesis's tables as data, and whether our own runs replicate a printed number.

The numbers are in ``published.yml``, as printed, slips included.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import yaml

from thesis_lib import arguments
from thesis_lib.intervals import t_interval

PUBLISHED_RUNS = 5
"""How many networks a published mean averages (thesis, section 7.1)."""

FEWEST_SEEDS = 3
"""How many of our runs a verdict needs: with two, t is 12.7 and nearly everything would agree."""

HALF_UNIT = 0.005
"""Half of the last printed digit of a percentage."""

_FILE = Path(__file__).with_name("published.yml")
_LIMITS = {"percent": 100.0, "score": 1.0}
_REQUIRED = ("id", "section", "caption", "unit", "columns", "rows")
_OPTIONAL = ("quantity", "means", "in_text")
_MINORITY = {"7.13": ("0", "1", "4", "6", "7"), "8.14": ("0",)}
_TEST_IMAGES = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)  # MNIST, by class
_ROUNDING = 0.02  # a class accuracy and a test accuracy, each cut after two decimals


class PublishedError(ValueError):
    """The file of published numbers is wrong; the message says where."""


@dataclass(frozen=True)
class PublishedTable:
    """One table of the thesis; the fields are those that ``published.yml`` explains.

    ``printed`` holds the cells as texts, ``frame`` as numbers.
    """

    id: str
    section: str
    caption: str
    unit: str
    printed: pd.DataFrame
    frame: pd.DataFrame
    quantity: str = "{row}, {column}"
    means: Mapping[str, str] = field(default_factory=dict)
    in_text: tuple[tuple[str, str, float], ...] = ()

    def quantity_of(self, row: str, column: str) -> str:
        """Return the name of what a cell measures, the same in every table that gives it.

        Parameters
        ----------
        row, column : str
            Names of the cell's row and column in ``frame``.
        """
        return self.quantity.format(row=self.means.get(row, row), column=column)

    def statements(self) -> Iterator[tuple[str, str, float]]:
        """Yield (quantity, place, value) of every cell, and of every number in the text."""
        for row, cells in self.frame.iterrows():
            for column, value in cells.items():
                quantity = self.quantity_of(str(row), str(column))
                yield quantity, f"Table {self.id}", float(value)
        for row_name, column_name, value in self.in_text:
            quantity = self.quantity_of(row_name, column_name)
            yield quantity, f"Section {self.section}", value


@dataclass(frozen=True)
class Replication:
    """A published number beside our runs of the same experiment, all in one unit.

    ``low`` and ``high`` bound the 95 % t interval of our mean (NaN for fewer than two runs), ``n``
    counts the runs behind it, ``diverged`` those left out because their value is NaN. ``verdict``
    is "agrees", "differs", "too few seeds" (two), "one seed" (no spread known) or "missing" (no
    run).
    """

    published: float
    mean: float
    low: float
    high: float
    n: int
    verdict: str
    diverged: int = 0


@dataclass(frozen=True)
class Contradiction:
    """A quantity for which the thesis gives several values: ``(place, value)`` pairs."""

    quantity: str
    places: tuple[tuple[str, float], ...]


def tables() -> list[str]:
    """Return the numbers of the tables, "5.1" to "8.14", in the thesis's order."""
    return list(_load())


def table(id: str) -> pd.DataFrame:
    """Return a table as printed.

    Parameters
    ----------
    id : str
        The table's number in the thesis, such as ``"7.2"``.

    Returns
    -------
    pandas.DataFrame
        A copy. Rows are named ``"M_os"``, ``"a=5"``, ``"gamma=0.5"`` or ``"Cat 1"``; columns
        ``"Training"``, ``"Testing"`` and the class's digit. Values are in percent, in tables 5.1
        and 5.2 scores in [0, 1].

    Raises
    ------
    ValueError
        If the thesis has no such table, or it holds no numbers.
    """
    return _get(id).frame.copy()


def printed(id: str) -> pd.DataFrame:
    """Return :func:`table` as texts with the digits that the thesis prints, "56.8" or "0".

    Parameters
    ----------
    id : str
        As for `table`.

    Raises
    ------
    ValueError
        As for `table`.
    """
    return _get(id).printed.copy()


def number(id: str, row: str, column: str) -> float:
    """Return one number as printed, by the number of its table, its row and its column.

    Parameters
    ----------
    id : str
        As for `table`.
    row, column : str
        As `table` names them.

    Raises
    ------
    ValueError
        If there is no such table, row or column; the message lists those that there are.
    """
    frame = _get(id).frame
    for axis, name, names in (("row", row, frame.index), ("column", column, frame.columns)):
        arguments.one_of(f"{axis} of table {id}", name, names)
    return float(frame.loc[[row], column].iloc[0])


def caption(id: str) -> str:
    """Return what a table shows, in our own words.

    Parameters
    ----------
    id : str
        As for `table`.

    Raises
    ------
    ValueError
        As for `table`.
    """
    return _get(id).caption


def section(id: str) -> str:
    """Return the section of the thesis that a table stands in, such as ``"7.2"``.

    Parameters
    ----------
    id : str
        As for `table`.

    Raises
    ------
    ValueError
        As for `table`.
    """
    return _get(id).section


def quantity(id: str, row: str, column: str) -> str:
    """Return the name of what a cell measures, the same in every table that prints it.

    Parameters
    ----------
    id : str
        As for `table`.
    row, column : str
        As `table` names them.

    Raises
    ------
    ValueError
        As for `table`.
    """
    return _get(id).quantity_of(row, column)


def unit(id: str) -> str:
    """Return ``"percent"`` or ``"score"``, the unit of a table's numbers.

    Parameters
    ----------
    id : str
        As for `table`.

    Raises
    ------
    ValueError
        As for `table`.
    """
    return _get(id).unit


def compare(published: float, sample: Sequence[float]) -> Replication:
    r"""Compare a published percentage with our runs of the same experiment.

    The thesis prints the mean of five runs and no spread. We take our runs' standard deviation
    :math:`s` (:math:`n - 1` in the denominator) for the spread of theirs too. If both means
    estimate one value, their difference has the standard error :math:`s\sqrt{1/n + 1/5}`, and the
    two agree at the 95 % level when

    .. math:: |\text{published} - \bar{x}| \le t_{n-1,\,0.975}\, s\, \sqrt{1/n + 1/5} + 0.005

    where the last term is the rounding of the printed number. This is the two-sample t test with
    the spread estimated from one sample alone. It asks more of a difference than our own interval
    does, because the published mean is uncertain as well. With :math:`s = 0` only the rounding
    is left. Fewer than ``FEWEST_SEEDS`` runs get no verdict: two that happen to be equal would
    pass for certainty, and two that are not would agree with nearly everything.

    Parameters
    ----------
    published : float
        The printed number, in percent.
    sample : sequence of float
        One value a run, in percent. NaN stands for a run that diverged: it is counted and left out.

    Returns
    -------
    Replication
        The published number, our mean with its 95 % t interval, and the verdict.

    Raises
    ------
    ValueError, TypeError
        If `published` is no finite number or `sample` holds an infinity.
    """
    published = arguments.number("published", published)
    given = np.asarray(sample, dtype=float).ravel()
    if np.isinf(given).any():
        raise ValueError("sample holds an infinite value; a diverged run is given as NaN")
    values = given[~np.isnan(given)]
    n, diverged = len(values), len(given) - len(values)
    if n < 2:
        mean = float(values[0]) if n else math.nan
        verdict = "one seed" if n else "missing"
        return Replication(published, mean, math.nan, math.nan, n, verdict, diverged)
    mean, low, high = t_interval(values)
    if n < FEWEST_SEEDS:
        return Replication(published, mean, low, high, n, "too few seeds", diverged)
    # Half of the interval is t s / sqrt(n).
    allowed = (high - low) / 2 * math.sqrt(1 + n / PUBLISHED_RUNS) + HALF_UNIT
    # A mean computed in binary may miss a decimal half unit by a rounding error.
    verdict = "agrees" if abs(published - mean) <= allowed + 1e-9 else "differs"
    return Replication(published, mean, low, high, n, verdict, diverged)


@cache
def contradictions() -> tuple[Contradiction, ...]:
    """Return every quantity for which the thesis gives two values.

    The cells of all tables and the numbers of the text are brought together by what they
    measure: tables 7.6 to 7.10 against 7.11, 8.7 to 8.11 against 8.12, each method's own table
    against 7.13 or 8.14, and each section's text against its table.

    Returns
    -------
    tuple of Contradiction
        In the order in which the thesis first names the quantity.
    """
    given: dict[str, dict[str, float]] = {}
    for published_table in _load().values():
        for quantity, place, value in published_table.statements():
            given.setdefault(quantity, {})[place] = value
    return tuple(
        Contradiction(quantity, tuple(places.items()))
        for quantity, places in given.items()
        if len(set(places.values())) > 1
    )


def impossible_accuracies() -> pd.DataFrame:
    """Return the printed test accuracies that the printed class accuracies rule out.

    MNIST's test set is known, so the accuracy on each class fixes its share of the accuracy on
    all; averaging over runs does not change that. A class whose accuracy is not printed may lie
    anywhere between 0 and 100 %. Rounding is granted 0.02 percentage points.

    Returns
    -------
    pandas.DataFrame
        Columns ``Quantity``, ``Place``, ``Printed``, ``Lowest``, ``Highest`` (percent), one row a
        finding.
    """
    bounds = {}
    for published_table in _load().values():
        if "Testing" in published_table.frame:
            for row, cells in published_table.frame.iterrows():
                quantity = published_table.quantity_of(str(row), "Testing")
                bounds[quantity] = _accuracy_bounds(cells, published_table.id)
    found = []
    for published_table in _load().values():
        for quantity, place, value in published_table.statements():
            low, high = bounds.get(quantity, (0.0, 100.0))
            if not low - _ROUNDING <= value <= high + _ROUNDING:
                found.append((quantity, place, value, low, high))
    return pd.DataFrame(found, columns=["Quantity", "Place", "Printed", "Lowest", "Highest"])


def _accuracy_bounds(cells: pd.Series, id: str) -> tuple[float, float]:
    """Return the lowest and highest accuracy (percent) on the test set of a table's chapter."""
    classes = range(10) if id.startswith("7") else range(2)
    images = sum(_TEST_IMAGES[c] for c in classes)
    printed = [c for c in classes if str(c) in cells]
    right = sum(float(cells[str(c)]) * _TEST_IMAGES[c] for c in printed)
    unknown = images - sum(_TEST_IMAGES[c] for c in printed)
    return right / images, (right + 100.0 * unknown) / images


def minority_means(id: str) -> pd.Series:
    """Return the mean accuracy on the minority classes, best method first.

    Parameters
    ----------
    id : str
        ``"7.13"`` (minority classes 0, 1, 4, 6, 7) or ``"8.14"`` (minority class 0).

    Returns
    -------
    pandas.Series
        Percent, indexed by the thesis's name of the model.

    Raises
    ------
    ValueError
        If the table is not one of the two that compare all methods.
    """
    arguments.one_of("id", id, _MINORITY)
    means = table(id)[list(_MINORITY[id])].mean(axis="columns")
    return means.sort_values(ascending=False, kind="stable")


def read(path: str | Path) -> dict[str, PublishedTable]:
    """Read and check a file of published tables.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict of str to PublishedTable
        By their numbers, in the order of the file.

    Raises
    ------
    PublishedError
        If the file does not hold what ``published.yml`` explains at its top; the message starts
        with file, line and column.
    """
    with open(path, encoding="utf-8") as file:
        try:
            root = yaml.compose(file)
        except yaml.MarkedYAMLError as error:
            mark = (
                error.problem_mark or error.context_mark or yaml.Mark(str(path), 0, 0, 0, None, 0)
            )
            raise PublishedError(f"{_place(mark)}: {error.problem}") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:  # a character that cannot be there
            raise PublishedError(f"{path}: {error}") from error
        except RecursionError:
            raise PublishedError(f"{path}: lists are nested too deeply") from None
    if not isinstance(root, yaml.SequenceNode) or not root.value:
        raise PublishedError(f"{path}, line 1: a list of tables is needed")
    read_tables: dict[str, PublishedTable] = {}
    for node in root.value:
        published_table = _read_table(node)
        if published_table.id in read_tables:
            _fail(node, f"table {published_table.id} is there already")
        read_tables[published_table.id] = published_table
    return read_tables


@cache
def _load() -> dict[str, PublishedTable]:
    return read(_FILE)


def _get(id: str) -> PublishedTable:
    arguments.one_of("id of a table", id, _load())
    return _load()[id]


def _read_table(node: yaml.Node) -> PublishedTable:
    fields = _mapping(node)
    for name in _REQUIRED:
        if name not in fields:
            _fail(node, f"{name!r} is missing")
    for name, value in fields.items():
        if name not in _REQUIRED + _OPTIONAL:
            _fail(value, f"{name!r} is not a field of a table")
    texts = {name: _text(fields[name]) for name in ("id", "section", "caption", "unit")}
    if not re.fullmatch(r"[1-9]\.\d+", texts["id"]):
        _fail(fields["id"], f"a table's number looks like 7.2, not {texts['id']!r}")
    if texts["unit"] not in _LIMITS:
        _fail(fields["unit"], f"unit must be percent or score, got {texts['unit']!r}")
    limit = _LIMITS[texts["unit"]]
    printed = _read_cells(fields["columns"], fields["rows"], limit)
    frame = printed.astype(float)
    quantity = _text(fields["quantity"]) if "quantity" in fields else PublishedTable.quantity
    if not re.fullmatch(r"(?:[^{}]|\{row\}|\{column\})*", quantity):
        _fail(fields["quantity"], "only {row} and {column} may stand in braces")
    means = _mapping(fields["means"]) if "means" in fields else {}
    for name, value in means.items():
        if name not in frame.index:
            _fail(value, f"there is no row {name!r}")
    in_text = _sequence(fields["in_text"]) if "in_text" in fields else []
    return PublishedTable(
        **texts,
        printed=printed,
        frame=frame,
        quantity=quantity,
        means={name: _text(value) for name, value in means.items()},
        in_text=tuple(_read_in_text(item, frame, limit) for item in in_text),
    )


def _read_cells(columns_node: yaml.Node, rows_node: yaml.Node, limit: float) -> pd.DataFrame:
    columns = [_text(item) for item in _sequence(columns_node)]
    if not columns or len(set(columns)) != len(columns):
        _fail(columns_node, "columns must be named, each by a name of its own")
    rows = {}
    for name, node in _mapping(rows_node).items():
        rows[name] = [_number_text(item, limit) for item in _sequence(node)]
        if len(rows[name]) != len(columns):
            _fail(node, f"row {name!r} has {len(rows[name])} numbers for {len(columns)} columns")
    if not rows:
        _fail(rows_node, "a table needs rows")
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _read_in_text(node: yaml.Node, frame: pd.DataFrame, limit: float) -> tuple[str, str, float]:
    items = _sequence(node)
    if len(items) != 3:
        _fail(node, "a number of the text is given as [row, column, value]")
    row, column = _text(items[0]), _text(items[1])
    if row not in frame.index or column not in frame.columns:
        _fail(node, f"the table has no cell {row!r}, {column!r}")
    return row, column, float(_number_text(items[2], limit))


def _mapping(node: yaml.Node) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        _fail(node, "names with values are needed here")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = _text(key)
        if name in found:
            _fail(key, f"{name!r} is there twice")
        found[name] = value
    return found


def _sequence(node: yaml.Node) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        _fail(node, "a list is needed here")
    return list(node.value)


def _text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        _fail(node, "a text is needed here")
    return str(node.value)


def _number_text(node: yaml.Node, limit: float) -> str:
    text = _text(node)
    if not re.fullmatch(r"\d+(\.\d+)?", text) or float(text) > limit:
        _fail(node, f"a number from 0 to {limit:g} is needed here, got {text!r}")
    return text


def _fail(node: yaml.Node, problem: str) -> NoReturn:
    raise PublishedError(f"{_place(node.start_mark)}: {problem}")


def _place(mark: yaml.Mark) -> str:
    return f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}"
