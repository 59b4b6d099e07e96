"""What mistakes cost, and how often each class occurs in use: given by the names of the classes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments, decision

Floats = NDArray[np.float64]
Costs = Mapping[tuple[Any, Any], float]
Prior = ArrayLike | Mapping[Any, float]


def said(costs: Costs, prior: Prior | None = None) -> str:
    """Say in sentences what a table of mean costs holds.

    Parameters
    ----------
    costs : mapping of (true, predicted) to float
    prior : array_like, mapping or None
        Shares of the classes in use; None for those of training.
    """
    dear = [
        f"{true} taken for {predicted} costs {cost:g}" for (true, predicted), cost in costs.items()
    ]
    where = "in training" if prior is None else "the given shares say"
    return (
        f"Mean cost of an image where the classes are as frequent as {where}: "
        f"{', '.join([*dear, 'any other mistake 1'])}. Each network answered with the class of its "
        "largest output, whatever that costs; predict(x, costs=...) and thesis-lib predict-on "
        "--cost decide by the costs."
    )


def matrix(costs: Costs, classes: Iterable[Any]) -> Floats:
    """Return the cost matrix of mistakes between named classes.

    Parameters
    ----------
    costs : mapping of (true, predicted) to float
        Of single mistakes, by the names of the classes, ``{("stain", "whole"): 50}``; any other
        costs 1, and a right answer nothing.
    classes : iterable
        Their names in order.

    Returns
    -------
    ndarray of float64, (n_classes, n_classes)
        As of `decision.cost_matrix`.

    Raises
    ------
    ValueError, TypeError
        If a class is unknown, a mistake is none, or as for `decision.cost_matrix`.

    Examples
    --------
    >>> matrix({("stain", "whole"): 50}, ["chip", "stain", "whole"]).tolist()
    [[0.0, 1.0, 1.0], [1.0, 0.0, 50.0], [1.0, 1.0, 0.0]]
    """
    numbers = {str(name): number for number, name in enumerate(classes)}
    if not isinstance(costs, Mapping) or not all(_is_pair(mistake) for mistake in costs):
        raise TypeError(
            'costs has to name single mistakes, true class first, as {("stain", "whole"): 50}; got '
            f"{costs!r:.60}."
        )
    arguments.chosen("class", [str(name) for mistake in costs for name in mistake], tuple(numbers))
    for (true, taken), cost in costs.items():
        if str(true) == str(taken):
            raise ValueError(
                f"costs has {true} taken for {taken}, which is right and costs nothing."
            )
        arguments.number(f"The cost of {true} taken for {taken}", cost, 0)
    by_number = {(numbers[str(t)], numbers[str(p)]): value for (t, p), value in costs.items()}
    return decision.cost_matrix(len(numbers), by_number)


def prior_of(prior: Prior, classes: Iterable[Any]) -> Floats:
    """Return the shares of all classes, in their order.

    Parameters
    ----------
    prior : mapping of class to float, or array_like, (n_classes,)
        Shares or counts, larger than 0, of every class: by their names in a mapping or in the index
        of a pandas Series, such as ``value_counts()``; by place in a list, an array, or a Series
        whose index counts from 0.
    classes : iterable
        Their names in order.

    Returns
    -------
    ndarray of float64, (n_classes,)
        They add up to 1.

    Raises
    ------
    ValueError, TypeError
        If they are not as above.

    Examples
    --------
    >>> prior_of({"whole": 9, "stain": 1}, ["stain", "whole"])
    array([0.1, 0.9])
    """
    names = tuple(str(name) for name in classes)
    if isinstance(prior, Mapping) or (isinstance(prior, pd.Series) and not _places(prior, names)):
        prior = _by_name(prior, names)
    return decision.checked_prior("prior", prior, len(names))


def _places(prior: pd.Series, names: tuple[str, ...]) -> bool:
    """Return whether a Series is indexed by the places of the classes, and not by their names."""
    index = set(prior.index)
    return {str(key) for key in index} != set(names) and index == set(range(len(prior)))


def _by_name(prior: Mapping[Any, float] | pd.Series, names: tuple[str, ...]) -> list[float]:
    """Return the shares that belong to names, in their order."""
    shares = [(str(name), share) for name, share in prior.items()]
    given = [name for name, _ in shares]
    arguments.chosen("class", given, names)
    if missing := [name for name in names if name not in given]:
        raise ValueError(f"No share is given of {', '.join(missing[:5])}; give one of each class.")
    if len(given) > len(names):
        twice = next(name for name in names if given.count(name) > 1)
        raise ValueError(f"Two shares are given of {twice}; give one of each class.")
    for name, share in shares:
        arguments.number(f"The share of {name}", share, 0, ends="()")
    found = dict(shares)
    return [found[name] for name in names]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--cost`` and ``--share``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument(
        "--cost",
        nargs=3,
        action="append",
        default=[],
        metavar=("TRUE", "PREDICTED", "COST"),
        help="what it costs to take an image of one class for another; any other mistake costs 1. "
        "Can be given several times",
    )
    parser.add_argument(
        "--share",
        nargs=2,
        action="append",
        default=[],
        metavar=("CLASS", "SHARE"),
        help="how often a class occurs in use; once for each class (default with --cost: as in "
        "training)",
    )


def of_options(options: argparse.Namespace, classes: Iterable[Any]) -> dict[str, Any]:
    """Return ``costs`` and ``prior`` of a command line, as arguments; none without options.

    Parameters
    ----------
    options : argparse.Namespace
        With the arguments of `add_arguments`.
    classes : iterable
        Their names in order.

    Raises
    ------
    ValueError
        If they name other classes or one thing twice, or hold no numbers.
    """
    if not options.cost and not options.share:
        return {}
    costs = _numbers("--cost", options.cost)
    matrix(costs, classes)
    shares = {name: share for (name,), share in _numbers("--share", options.share).items()}
    return {"costs": costs or None, "prior": prior_of(shares, classes) if shares else None}


def _is_pair(key: object) -> bool:
    return isinstance(key, tuple) and len(key) == 2


def _numbers(option: str, given: Iterable[Sequence[str]]) -> dict[Any, float]:
    """Return the number at the end of each use of an option, by what stands before it."""
    found: dict[Any, float] = {}
    for *names, text in given:
        if tuple(names) in found:
            raise ValueError(f"{option} {' '.join(names)} is given twice; give it once.")
        try:
            found[tuple(names)] = float(text)
        except ValueError:
            raise ValueError(f"{option} ends with a number, such as 50; got {text!r}.") from None
    return found
