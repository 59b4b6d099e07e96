"""The command ``thesis-lib``: what it does is in `commands`, which takes a second to import."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of ``thesis-lib``.

    Parameters
    ----------
    arguments : sequence of str, optional
        As `commands.main` takes them.

    Returns
    -------
    int
        The exit status, as there; 130 if it was interrupted before the command began.

    Raises
    ------
    SystemExit
        As there.
    """
    try:
        from thesis_lib import commands  # here, so that Ctrl-C is answered meanwhile, too

        return commands.main(arguments)
    except KeyboardInterrupt:
        print("thesis-lib: interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
