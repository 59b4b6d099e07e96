"""Numbers and names inside sentences."""

from __future__ import annotations

from collections.abc import Sequence

from thesis_lib.markdown import one_line


def counted(number: int, of: str, plural: str = "") -> str:
    """Return "1 seed" or "2 seeds".

    Parameters
    ----------
    number : int
    of : str
        What one is called.
    plural : str
        What several are called; with an s if not given.
    """
    return f"{number} {of if number == 1 else plural or f'{of}s'}"


def some(names: Sequence[str], limit: int = 5) -> str:
    """Return the first names with commas between them, and how many more there are.

    Parameters
    ----------
    names : sequence of str
        Line breaks and control characters in them become spaces.
    limit : int
    """
    shown = ", ".join(one_line(str(name)) for name in names[:limit])
    return shown + f" and {len(names) - limit} more" * (len(names) > limit)
