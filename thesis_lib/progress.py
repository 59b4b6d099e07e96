"""Bars of progress for people who watch: in a terminal and in a notebook, not in files or pages."""

from __future__ import annotations

import sys
from typing import Any


def progress_bar(total: int, *, shown: bool = True, **settings: Any) -> Any:
    """Return a tqdm bar to update.

    A notebook's output is no terminal, but it redraws a bar. The book's build hides all bars by
    TQDM_DISABLE=1, since a page keeps each state of them.

    Parameters
    ----------
    total : int
    shown : bool
    **settings
        Of tqdm, such as ``unit`` and ``desc``.
    """
    from tqdm import tqdm

    bar: Any = tqdm  # its stubs know no variable of the environment
    if shown and _in_notebook():
        return bar(total=total, **settings)
    return bar(total=total, disable=None if shown else True, **settings)


def _in_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")
