"""Names that somebody chose, checked against those that there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def checked(kind: str, names: Iterable[str], known: Sequence[str]) -> list[str]:
    """Return the names, each once.

    Parameters
    ----------
    kind : str
        What they are names of, for the message.
    names : iterable of str
    known : sequence of str

    Raises
    ------
    ValueError
        If one is not known; the message names the nearest.
    """
    found = list(dict.fromkeys(names))
    for name in found:
        if name not in known:
            spelled = {one.lower(): one for one in known}
            lower = str(name).lower()
            near = difflib.get_close_matches(lower, spelled, n=2, cutoff=0.5)
            near = [lower] if lower in near else near
            hint = f"; did you mean {' or '.join(spelled[one] for one in near)}?" if near else "."
            raise ValueError(f"There is no {kind} {name!r}{hint} Known: {', '.join(known)}.")
    return found
