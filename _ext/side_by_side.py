"""Sphinx extension that executes chapters side by side before MyST-NB reads them one by one.

A chapter leaves most of a processor idle while its kernel starts, compiles and draws. What is
executed here goes into the execution cache, where MyST-NB finds it. A chapter that fails here is
left to MyST-NB, which executes it again and reports the failure.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from sphinx.util import logging

logger = logging.getLogger(__name__)

# A kernel with TensorFlow in it takes up to 2 GB.
_MOST_KERNELS = 4


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    # Kernels side by side share the cores, and threads of their own would wait for each other. One
    # thread also sums in the same order whatever the machine. Kernels inherit the variables.
    for threads in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    # They share the memory of a GPU too, which the first one would take whole.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    # After thesis_book has dropped from the cache what is out of date.
    app.connect("env-get-outdated", execute, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def execute(app: Any, env: Any, added: Any, changed: Any, removed: Any) -> list[str]:
    """Execute every chapter that has no outputs in the cache."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    # The longest first, as far as that can be told, so that none is left alone at the end.
    chapters = sorted(waiting(env), key=lambda item: -item[0].stat().st_size)
    if not chapters:
        return []
    cache = get_cache(env.mystnb_config.execution_cache_path)
    pool = ThreadPoolExecutor(kernels())
    try:
        futures = {pool.submit(_executed, *item, env.mystnb_config): item for item in chapters}
        for future in as_completed(futures):
            result, (path, notebook) = future.result(), futures[future]
            if result.err is None:
                logger.info(f"{path.name}: executed in {result.time:.1f} seconds")
                bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": result.time})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    finally:
        pool.shutdown(cancel_futures=True)
    return []


def waiting(env: Any) -> list[tuple[Path, Any]]:
    """Return path and notebook of every chapter that `execute` is to execute."""
    from jupyter_cache import get_cache

    if env.mystnb_config.execution_mode != "cache":
        return []
    cache = get_cache(env.mystnb_config.execution_cache_path)
    return [item for item in notebooks(env) if not _cached(cache, item[1])]


def _executed(path: Path, notebook: Any, config: Any) -> Any:
    """Execute a notebook in place, in its own folder; return what Jupyter Cache says of it."""
    from jupyter_cache.executors.utils import single_nb_execution

    return single_nb_execution(
        notebook,
        cwd=str(path.parent),
        allow_errors=False,
        timeout=config.execution_timeout,
        kernel_manager_class=_quiet_kernels(),
    )


def _quiet_kernels() -> Any:
    """Return kernels whose processes say nothing beside what their cells say.

    TensorFlow writes to the error stream of its process before it can be told not to.
    """
    from jupyter_client.manager import AsyncKernelManager

    class QuietKernelManager(AsyncKernelManager):
        def start_kernel(self, **options: Any) -> Any:
            return super().start_kernel(stderr=subprocess.DEVNULL, **options)

    return QuietKernelManager


def notebooks(env: Any) -> Iterator[tuple[Path, Any]]:
    """Yield path and notebook of each page that has code."""
    from myst_nb.core.read import read_myst_markdown_notebook

    for name in sorted(env.found_docs):
        path = Path(env.doc2path(name))
        text = path.read_text("utf-8")
        if "{code-cell}" in text:
            yield path, read_myst_markdown_notebook(text)


def kernels() -> int:
    """Return how many chapters are executed at once: two, or one a processor up to a limit."""
    mine = getattr(os, "sched_getaffinity", None)
    return max(2, min(_MOST_KERNELS, len(mine(0)) if mine else os.cpu_count() or 1))


def _cached(cache: Any, notebook: Any) -> bool:
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True
