"""Figures that a reader moves: data for a script of the page, and a static figure without it."""

from __future__ import annotations

import base64
import html
import io
import json
import math
import operator
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from thesis_lib import anomaly, arguments, experiments, intervals
from thesis_lib.book import published, report, verdicts
from thesis_lib.plots.style import BLUE, ORANGE, subplots

_KIND = re.compile(r"[a-z]+(-[a-z]+)*")
_OVERVIEWS = {"multiclass": "7.13", "binary": "8.14"}
_SCRIPTS = Path(__file__).parents[2] / "_static" / "explore"
# A notebook has no scripts of its own: a frame beside the container gets them, and the container.
_START = """
const here = this.previousElementSibling, page = this.contentDocument, root = page.documentElement;
const copy = here.cloneNode(true);
copy.hidden = false;
root.dataset.theme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
root.style.colorScheme = root.dataset.theme;
page.body.replaceChildren(copy);
page.dispatchEvent(new Event("DOMContentLoaded"));
here.hidden = true;
this.hidden = false;
const fit = () => { this.style.height = page.body.offsetHeight + 16 + "px"; };
new ResizeObserver(fit).observe(page.body);
"""


class Interactive:
    """A figure with controls in the book and in JupyterLab, a static one in print, without scripts.

    The book's cell names and captions it with the metadata ``mystnb: figure``, as any figure.

    Parameters
    ----------
    kind : str
        Names the script: ``"focal"`` is drawn by ``_static/explore/focal.js``. Where the library
        is not in its project, there are no scripts, and a notebook shows the static figure.
    data : object
        What the script draws; anything that JSON can hold, without NaN and infinity.
    fallback : matplotlib.figure.Figure
        The figure at the initial setting. It is closed, so that the cell shows it once.
    alt : str
        What the figure shows, in words: alternative text, and name of the group of controls.

    Raises
    ------
    ValueError
        If `kind` is not made of lower-case words and hyphens, `alt` is shorter than 20 characters,
        or `data` holds a number that is not finite.
    TypeError
        If JSON cannot hold `data`.
    """

    def __init__(self, kind: str, data: object, fallback: Figure, alt: str) -> None:
        if not _KIND.fullmatch(kind):
            raise ValueError(f"kind must be lower-case words joined by hyphens; got {kind!r}")
        if len(alt.strip()) < 20:
            raise ValueError("alt must say in at least 20 characters what the figure shows")
        self.kind, self.alt = kind, alt
        self._json = json.dumps(data, allow_nan=False, separators=(",", ":"))
        self._svg = _svg(fallback)

    def to_html(self) -> str:
        """Return the container: inert data, and the static figure that the script replaces."""
        # In JSON these three occur within strings only, where the escapes mean the same.
        inert = self._json
        for character in "<>&":
            inert = inert.replace(character, f"\\u{ord(character):04x}")
        alt = html.escape(" ".join(self.alt.split()))
        return (
            f'<div class="explore" data-kind="{self.kind}" data-label="{alt}">'
            f'<script type="application/json">{inert}</script>'
            f'<img class="explore-fallback" alt="{alt}" '
            f'src="data:image/svg+xml;base64,{self._svg}">'
            "</div>"
        )

    def to_notebook(self) -> str:
        """Return the container and a frame with its scripts, which the book's pages leave out.

        A notebook that is not trusted drops the frame; the static figure is left then.
        """
        files = [_SCRIPTS / name for name in ("explore.css", "chart.js", f"{self.kind}.js")]
        if not all(file.is_file() for file in files):
            return self.to_html()
        style, *scripts = [file.read_text("utf-8") for file in files]
        page = f"<!doctype html><style>body {{ margin: 0; font: 14px sans-serif }}\n{style}</style>"
        page += "".join(f"<script>{script}</script>" for script in scripts)
        title = html.escape(" ".join(self.alt.split()))
        return (
            f'{self.to_html()}<iframe class="explore-notebook" title="{title}" hidden '
            f'style="width: 100%; border: 0" onload="{html.escape(_START)}" '
            f'srcdoc="{html.escape(page)}"></iframe>'
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": f"Interactive figure: {self.alt}", "text/html": self.to_notebook()}


def binary_outputs(networks: Sequence[tuple[str, int]], y_true: ArrayLike) -> dict[str, Any]:
    """Return the recorded outputs of networks with two classes, for the kind ``threshold``.

    Parameters
    ----------
    networks : sequence of (str, int)
        Names of experiments and seeds; those without kept outputs are left out.
    y_true : array_like of int, (n,)

    Returns
    -------
    dict
        "labels" (n), and "networks": name to the probability of class 0 (n), five digits.
    """
    kept = {f"{name}, seed {seed}": experiments.outputs(name, seed) for name, seed in networks}
    columns = {name: p[:, 0] for name, p in kept.items() if p is not None}
    shown = {name: _digits(column) for name, column in columns.items()}
    return {"labels": np.asarray(y_true).tolist(), "networks": shown}


def class_outputs(probabilities: ArrayLike, y_true: ArrayLike, *, step: int) -> dict[str, Any]:
    """Return the outputs and labels of every `step`-th image, for the kind ``cost``.

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)
    y_true : array_like of int, (n,)
    step : int

    Returns
    -------
    dict
        "labels" and "outputs", the latter with five digits, which tells any two float16 apart.
    """
    rows = np.asarray(probabilities, dtype=float)[::step]
    shown = [_digits(row) for row in rows]
    return {"labels": np.asarray(y_true)[::step].tolist(), "outputs": shown}


def rejections(normal: ArrayLike, anomalous: ArrayLike) -> dict[str, Any]:
    """Count what each threshold 0, 0.01, ..., 1 rejects, for the kind ``rejection``.

    Parameters
    ----------
    normal, anomalous : array_like, (n,), (m,)
        Confidences; see :func:`thesis_lib.anomaly.is_anomaly`.
    """
    thresholds = [i / 100 for i in range(101)]
    groups = {"normal": np.ravel(normal), "anomalous": np.ravel(anomalous)}
    return {
        name: {
            "n": len(scores),
            "rejected": [int(anomaly.is_anomaly(scores, t).sum()) for t in thresholds],
        }
        for name, scores in groups.items()
    }


def comparison(task: str) -> dict[str, Any]:
    """Return each method's published and recorded metrics in percent, for the kind ``compare``.

    Parameters
    ----------
    task : {"multiclass", "binary"}

    Returns
    -------
    dict
        "methods" (n), and "metrics": name to "published" (n) and "recorded" (n), the latter
        [mean, low, high] of a 95 % interval over seeds. ``None`` where there is none. Means and
        minima are those over the classes that the thesis's overview prints: five of ten, or both.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    arguments.one_of("task", task, _OVERVIEWS)
    table = _OVERVIEWS[task]
    printed = published.table(table)
    runs = [experiments.results(verdicts.experiment_of(table, row)) for row in printed.index]
    numbers = printed.to_numpy(dtype=float).tolist()
    metrics = {}
    classes = [int(column) for column in printed.columns]
    samples = [[[100 * run.recall[c] for c in classes] for run in group] for group in runs]
    for name, metric in _metrics(classes).items():
        metrics[name] = {
            "published": [_finite(metric(row)) for row in numbers],
            "recorded": [_interval([metric(row) for row in sample]) for sample in samples],
        }
    return {"methods": report.methods(table), "metrics": metrics}


def comparison_figure(compared: Mapping[str, Any], metric: str) -> Figure:
    """Draw one metric of :func:`comparison`: means as bars with intervals, published as marks.

    Parameters
    ----------
    compared : mapping
        As :func:`comparison` returns it.
    metric : str
        A key of its "metrics".

    Raises
    ------
    ValueError
        If it is none.
    """
    arguments.one_of("metric", metric, compared["metrics"])
    figure, axis = subplots(figsize=(6.4, 3.2))
    rows = np.arange(len(compared["methods"]))
    chosen = compared["metrics"][metric]
    means = [cell[0] if cell else 0.0 for cell in chosen["recorded"]]
    axis.barh(rows, means, 0.6, color=BLUE, alpha=0.5, label="recorded mean, with its interval")
    for row, cell in zip(rows, chosen["recorded"], strict=True):
        if cell and cell[1] is not None:
            axis.plot(np.clip(cell[1:], 0, 100), [row, row], color=BLUE, linewidth=1.6)
    axis.plot(chosen["published"], rows, "D", color=ORANGE, mfc="none", label="published")
    axis.set_yticks(rows, compared["methods"])
    axis.set(xlim=(0, 103), xlabel=f"{metric} (%)", ylim=(len(rows) - 0.5, -0.5))
    figure.legend(loc="outside upper center", ncols=2, fontsize=9)
    return figure


def _metrics(classes: Sequence[int]) -> dict[str, Callable[[Sequence[float]], float]]:
    """Return functions of the recalls of some classes, by name."""
    single = {f"Recall of class {c}": operator.itemgetter(i) for i, c in enumerate(classes)}
    return {"Mean recall": statistics.fmean, "Lowest recall": min, **single}


def _interval(sample: Sequence[float]) -> list[float | None] | None:
    numbers = [_finite(value) for value in intervals.t_interval(sample)]
    return None if numbers[0] is None else numbers


def _digits(values: ArrayLike) -> list[float]:
    return [float(f"{value:.5g}") for value in np.asarray(values, dtype=float)]


def _finite(value: float) -> float | None:
    return round(float(value), 3) if math.isfinite(value) else None


def _svg(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
