"""Fetch a file from a server that may be absent, slow, cut off or another one than expected."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from thesis_lib import durable

T = TypeVar("T")

# A server has so long to answer, and so long between two pieces of a file, which together stay
# below the ten seconds in which a page decides; then it has to be so fast.
_DECISION_SECONDS = 4.0
_SLOWEST = 20_000  # bytes a second

# What this process has been refused: nobody waits for the same server again.
_refused: dict[str, str] = {}


class NotDownloaded(RuntimeError):
    """A file is not to be had from the network."""


def fetch(url: str, path: Path, read: Callable[[BinaryIO], T]) -> T:
    """Download a file, read it, and keep it at the path, whole or not at all.

    Whether there is an answer is decided within four seconds, and again wherever the server
    falls silent. A failure is remembered as long as the process lives.

    Parameters
    ----------
    url : str
    path : Path
    read : callable
        Takes the downloaded file, open for reading; a ValueError of it refuses the file.

    Returns
    -------
    object
        What ``read`` returned.

    Raises
    ------
    NotDownloaded
        If there is no answer, or the file is refused or cannot be kept.
    """
    if url not in _refused:
        try:
            with _answer(url) as response, durable.replacing(path) as file:
                _copy(response, file)
                file.seek(0)
                return read(file)
        except (OSError, HTTPException) as error:
            _refused[url] = f"{url} could not be downloaded ({error})"
        except ValueError:
            _refused[url] = f"what {url} sent is damaged or another file"
    raise NotDownloaded(_refused[url])


def _answer(url: str) -> Any:
    """Open a URL; raise an OSError where no answer comes in time."""
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(urllib.request.urlopen(url, timeout=_DECISION_SECONDS))
        except (OSError, HTTPException) as error:
            answers.append(error)

    # A thread, since a hanging name server does not heed the timeout.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_DECISION_SECONDS)
    answer = answers[0] if answers else TimeoutError("no answer")
    if isinstance(answer, Exception):
        raise answer
    return answer


def _copy(response: Any, file: BinaryIO) -> None:
    """Copy an answer to a file; a server that only drips is as good as none."""
    started, received = time.monotonic(), 0
    while piece := response.read1(2**16):
        received += file.write(piece)
        seconds = time.monotonic() - started
        if seconds > _DECISION_SECONDS and received / seconds < _SLOWEST:
            raise TimeoutError(f"slower than {_SLOWEST // 1000} kB a second")
