"""Write files so that a process killed at any moment leaves the old content or the new, no half."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def make_folder(path: Path) -> None:
    """Make a folder with its parents.

    Parameters
    ----------
    path : Path

    Raises
    ------
    NotADirectoryError
        If a file is in the way.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise NotADirectoryError(f"{path}: a folder is needed there, and a file is.") from None


def check_writable(folder: Path) -> None:
    """Make sure that a folder, or the nearest one above it that is there, takes a file.

    Parameters
    ----------
    folder : Path
        Need not be there.

    Raises
    ------
    OSError
        If it does not.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise OSError(error.errno, f"no file can be written there ({there})", str(folder)) from None


@contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """Open a file, made if need be, while no other process is in here with the same file.

    Parameters
    ----------
    path : Path
        In a folder that is there.

    Yields
    ------
    file
        Open for reading and writing bytes, at its start.
    """
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        fcntl.flock(file, fcntl.LOCK_EX)
        # While this process waited, the one before may have put another file at the path.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                break
        file.close()
    try:
        yield file
    finally:
        # What could not be written is reported where it was; closing would only try again.
        with contextlib.suppress(OSError):
            file.close()


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give an empty file to write to; when the block has ended, it is on the disk at the path.

    Where the block or the disk fails, the path is left as it was. The part that a killed process
    leaves, ``<name>.part``, is used again by the next.

    Parameters
    ----------
    path : Path
        Its folder is made where it is missing.

    Yields
    ------
    file
        Open for reading and writing bytes.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    make_folder(path.parent)
    part = path.with_name(path.name + ".part")
    with locked(part) as file:
        try:
            file.truncate()
            yield file
            file.flush()
            os.fsync(file.fileno())
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            part.replace(path)
        except BaseException as error:
            part.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno and error.filename is None:
                raise OSError(error.errno, os.strerror(error.errno), str(path)) from None
            raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Bring a new name in a folder to the disk too."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
