"""The tasks: which data set, how many images of each class, which of them are the minority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thesis_lib import arguments

MULTICLASS_COUNTS = (2, 5, 5000, 3000, 4, 4000, 2, 3, 2000, 1000)
BINARY_COUNTS = (2, 5000)

# The sizes of the minority classes, and their number, that the studies go through; rho is 120,
# or 5000, over the size.
DIGIT_SIZES = (120, 60, 24, 12, 6, 3, 2)
MNIST_SIZES = (5000, 500, 100, 50, 20, 10, 5, 2, 1)
MINORITY_NUMBERS = (1, 3, 5, 7, 9)

_FEW = (0, 1, 4, 6, 7)
# The thesis's minority classes first, so that five of them are its own.
_MINORITY_ORDER = (*_FEW, 2, 3, 5, 8, 9)


@dataclass(frozen=True)
class Task:
    """A data set with its imbalance, and the network that learns it.

    Attributes
    ----------
    dataset : str
        As :func:`thesis_lib.data.load` names it.
    counts : tuple of int
        Images of each class in the training set.
    minority : tuple of int
        The classes that count as the minority.
    network : {"cnn", "gru"}
        As :data:`thesis_lib.model.BUILDERS` names it.
    """

    dataset: str
    counts: tuple[int, ...]
    minority: tuple[int, ...]
    network: str = "cnn"


def get(name: str) -> Task:
    """Return a task by its name.

    Parameters
    ----------
    name : str
        A key of `TASKS`.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> binary = get("binary")
    >>> binary.dataset, binary.counts, binary.minority
    ('mnist', (2, 5000), (0,))
    """
    if name not in TASKS:
        plain = ", ".join(n for n in TASKS if "-few-" not in n and "-minority-" not in n)
        raise ValueError(
            f"The task has to be one of {plain}, or one of a study's grid, such as "
            f"digits-few-6; got {name!r}."
        )
    return TASKS[name]


def with_size(task: str, size: int) -> str:
    """Return the name of the task whose minority classes have so many images.

    Parameters
    ----------
    task : {"digits", "binary"}
        Which has 3 or 2 such images itself.
    size : int
        One of ``DIGIT_SIZES`` or ``MNIST_SIZES``.

    Raises
    ------
    ValueError
        If there is no such task.

    Examples
    --------
    >>> with_size("digits", 3), with_size("digits", 6)
    ('digits', 'digits-few-6')
    >>> get("digits-few-6").counts
    (6, 6, 120, 120, 6, 120, 6, 6, 120, 120)
    """
    arguments.one_of("task", task, ("digits", "binary"))
    arguments.one_of("size", size, DIGIT_SIZES if task == "digits" else MNIST_SIZES)
    return task if size == {"digits": 3, "binary": 2}[task] else f"{task}-few-{size}"


def with_minority(task: str, number: int) -> str:
    """Return the name of the task with so many minority classes of three images.

    Parameters
    ----------
    task : {"digits", "multiclass"}
        Of the digits there are five such classes in the task itself.
    number : int
        One of ``MINORITY_NUMBERS``.

    Raises
    ------
    ValueError
        If there is no such task.

    Examples
    --------
    >>> with_minority("digits", 1), get("digits-minority-1").counts
    ('digits-minority-1', (3, 120, 120, 120, 120, 120, 120, 120, 120, 120))
    """
    arguments.one_of("task", task, ("digits", "multiclass"))
    arguments.one_of("number", number, MINORITY_NUMBERS)
    return task if (task, number) == ("digits", 5) else f"{task}-minority-{number}"


def long_tailed(largest: int, n_classes: int, ratio: float) -> tuple[int, ...]:
    """Return class sizes that fall exponentially: n_c = n_0 rho^(-c / (C - 1)), rounded down.

    The profile of the long-tailed versions of balanced sets (Cui et al. 2019, Cao et al. 2019).

    Parameters
    ----------
    largest : int
        Size of class 0.
    n_classes : int
        At least 2.
    ratio : float
        Imbalance ratio rho, at least 1 and at most largest.

    Returns
    -------
    tuple of int, (n_classes,)

    Raises
    ------
    ValueError, TypeError
        If an argument is no number in its range.

    Examples
    --------
    >>> long_tailed(largest=1000, n_classes=4, ratio=1000)
    (1000, 100, 10, 1)
    """
    largest = arguments.whole("largest", largest, 1)
    n_classes = arguments.whole("n_classes", n_classes, 2)
    ratio = arguments.number("ratio", ratio, 1, largest)
    # As the authors compute it; a power that misses a whole number by rounding counts as it.
    sizes = (largest * ratio ** (-c / (n_classes - 1)) for c in range(n_classes))
    return tuple(int(size + 1e-9) for size in sizes)


def minority_of(counts: Sequence[int], size: int) -> tuple[int, ...]:
    """Return the classes of at most so many images.

    Parameters
    ----------
    counts : sequence of int, (n_classes,)
    size : int
    """
    return tuple(c for c, count in enumerate(counts) if count <= size)


def _tasks() -> dict[str, Task]:
    """Return the thesis's two tasks, those on other data, and the grids of the studies."""
    thesis = {
        "multiclass": Task("mnist", MULTICLASS_COUNTS, _FEW),
        "binary": Task("mnist", BINARY_COUNTS, (0,)),
    }
    long_fashion, long_cifar = (long_tailed(size, 10, 100) for size in (6000, 5000))
    others = {
        "fashion-lt": Task("fashion-mnist", long_fashion, minority_of(long_fashion, 600)),
        "cifar10-lt": Task("cifar10", long_cifar, minority_of(long_cifar, 500)),
        "digits": Task("digits-8x8", _digit_counts(_FEW, 3), _FEW),
        "digits-rows": Task("digits-8x8", _digit_counts(_FEW, 3), _FEW, network="gru"),
        "mnist-rows": Task("mnist", MULTICLASS_COUNTS, _FEW, network="gru"),
    }
    grids = {
        with_size("digits", size): Task("digits-8x8", _digit_counts(_FEW, size), _FEW)
        for size in DIGIT_SIZES
    }
    for size in MNIST_SIZES:
        grids[with_size("binary", size)] = Task("mnist", (size, 5000), (0,))
    for number in MINORITY_NUMBERS:
        few = _MINORITY_ORDER[:number]
        grids[with_minority("digits", number)] = Task("digits-8x8", _digit_counts(few, 3), few)
        counts = tuple(3 if c in few else 2000 for c in range(10))
        grids[with_minority("multiclass", number)] = Task("mnist", counts, few)
    # The thesis's two come first, and a grid passes through tasks that are there already.
    return {**thesis, **others, **{n: t for n, t in grids.items() if n not in thesis | others}}


def _digit_counts(few: Sequence[int], size: int) -> tuple[int, ...]:
    """Return ten class sizes: the given classes have so many images, the others 120."""
    return tuple(size if c in few else 120 for c in range(10))


TASKS: Mapping[str, Task] = _tasks()
"""Every task by its name."""
