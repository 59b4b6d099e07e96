"""Seconds and memory of a build from cold: ``python benchmarks/build.py``.

Builds a copy of the book in a temporary folder, so the cache here is neither used nor touched.
Installation is not part of it. On Linux, ``taskset -c 0,1 python benchmarks/build.py`` builds on
two cores.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "_build", "notebooks", ".*_cache")


def memory(process: psutil.Process) -> int:
    """Return the resident bytes of a process and all below it."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def build(folder: Path) -> tuple[float, float]:
    """Build the book in a folder; return seconds and the peak of its memory in GiB."""
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", "."]
    started, peak = time.monotonic(), 0
    with tempfile.TemporaryFile() as output:
        process = psutil.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, memory(process))
            time.sleep(0.2)
        if process.returncode:
            output.seek(0)
            sys.exit(output.read().decode()[-5000:])
    return time.monotonic() - started, peak / 2**30


def main() -> None:
    """Print a cold build and a second one, in which nothing changed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "book"
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        cold, peak = build(folder)
        again, _ = build(folder)
    cores = len(psutil.Process().cpu_affinity()) if sys.platform == "linux" else os.cpu_count()
    print(f"{cores} cores: {cold:.0f} s from cold, {peak:.1f} GiB at the most")
    print(f"nothing changed: {again:.0f} s, {again / cold:.2f} of it")


if __name__ == "__main__":
    main()
