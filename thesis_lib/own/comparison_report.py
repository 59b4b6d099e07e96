"""The report of a comparison: one HTML file with its figures inside, which asks no network."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from thesis_lib import __version__
from thesis_lib.best import Best, largest
from thesis_lib.own import costs as own_costs
from thesis_lib.own.costs import Costs, Prior
from thesis_lib.own.offered import LABELS, METHODS
from thesis_lib.plots import set_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from thesis_lib.own.comparison_result import Comparison

_STYLE = """
:root { color-scheme: light dark;
  --ground: #fdfdfb; --ink: #1c1c1c; --line: #c9c9c4; --mark: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181b; --ink: #e6e6e3; --line: #45484d; --mark: #56b4e9; }
}
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.2; }
.advice { border-left: .3rem solid var(--mark); padding: .2rem 1rem; }
.advice p { font-weight: 600; margin: 0 0 .5rem; }
.advice ul { margin: 0; padding-left: 1.2rem; }
.wide { overflow-x: auto; }
.wide:focus-visible { outline: 2px solid var(--mark); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
td { white-space: nowrap; }
td.note { white-space: normal; text-align: left; min-width: 14rem; }
th[scope=row], th:first-child { text-align: left; min-width: 8rem; max-width: 16rem; }
th[scope=row] { overflow-wrap: break-word; }
thead th { vertical-align: bottom; }
figure { margin: 1rem 0; }
figure svg { display: block; width: 100%; height: auto; min-width: 34rem; max-width: 48rem;
  border-radius: .3rem; }
""".strip()

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Methods against imbalance, compared</title>
<style>
{style}
</style>
</head>
<body>
<main>
<h1>Methods against imbalance, compared</h1>
<p>{data}</p>
<h2>Recommendation</h2>
<div class="advice"><p>{lead}</p>{points}</div>
<h2>Results</h2>
{table}
{intervals}
<h2>Against the baseline, seed by seed</h2>
{paired}
{costs}
<h2>Recall of the rarest classes</h2>
{recalls}
{losses}
<h2>Classes</h2>
<details><summary>Images, mean recall and precision of every class</summary>
{classes}
{precisions}
</details>
<h2>How it was computed</h2>
<p>{how}</p>
</main>
</body>
</html>
"""


def write(
    comparison: Comparison,
    path: str | Path,
    source: str = "",
    costs: Costs | None = None,
    prior: Prior | None = None,
) -> Path:
    """Write the report; its folder is made where it is missing.

    Parameters
    ----------
    comparison : Comparison
    path : str or Path
        Ends in ``.html``.
    source, costs, prior
        As for `page`.

    Returns
    -------
    Path

    Raises
    ------
    ValueError, TypeError
        If the path ends neither so nor in ``.htm``, or as for `Comparison.costs`.
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"The report has to end in .html; got {target.name}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(comparison, source, costs, prior), encoding="utf-8")
    return target


def page(
    comparison: Comparison,
    source: str = "",
    costs: Costs | None = None,
    prior: Prior | None = None,
) -> str:
    """Return the report as HTML; every text from the data is escaped.

    Parameters
    ----------
    comparison : Comparison
    source : str
        Where the images come from and how they were split.
    costs, prior
        As `Comparison.costs` takes them: a section on what mistakes cost.
    """
    paired = comparison.paired().rename(index=LABELS).rename_axis("Method")
    results = comparison.table()
    best = largest(results.drop(columns="Note"))
    if not results["Note"].any():
        results = results.drop(columns="Note")
    classes = comparison.recalls().rename(columns=LABELS)
    classes.insert(0, "Test images", comparison.test_counts)
    classes.insert(0, "Training images", comparison.train_counts)
    precisions = comparison.precisions().rename(columns=LABELS)
    return _PAGE.format(
        style=_STYLE,
        data=html.escape(" ".join([source, _data(comparison)]).strip()),
        lead=_text(comparison.lead),
        points=_list(comparison.points()),
        table=_table(
            results,
            f"Means in percent with 95 % intervals over the {_over(comparison)}, cut at 0 and 100. "
            "Bold: the largest of its column.",
            best,
        ),
        intervals=_figure(
            comparison.figure, "a", "Balanced accuracy of each method: runs, mean and interval."
        ),
        paired=_table(
            paired,
            "Difference of balanced accuracy in percentage points, 95 % interval, and p of a "
            "paired t-test before and after Holm's correction.",
        ),
        costs="" if costs is None else _costs(comparison, costs, prior),
        recalls=_figure(
            comparison.recall_figure,
            "b",
            "Mean recall in percent, classes from the rarest on; training images in parentheses.",
        ),
        losses=_losses(comparison),
        classes=_table(classes, "Mean recall in percent under each method."),
        precisions=_table(
            precisions,
            "Share of the images called a class that belong to it, in percent, where the classes "
            "are as frequent as in training. Recalls do not depend on that, precision does.",
        ),
        how=html.escape(_how(comparison)),
    )


def _costs(comparison: Comparison, costs: Costs, prior: Prior | None) -> str:
    """Return the section on what mistakes cost."""
    said = (
        f"{own_costs.said(costs, prior)} With 95 % intervals over the {_over(comparison)}; p of a "
        "paired t-test after Holm's correction."
    )
    return f"<h2>What mistakes cost</h2>\n{_table(comparison.cost_table(costs, prior), said)}"


def _losses(comparison: Comparison) -> str:
    """Return the section on whether training had ended; "" where no curve is known."""
    if comparison.losses().empty:
        return ""
    said = [
        "Mean training loss of each epoch. Each method has a loss of its own, so do not compare "
        "the heights of two curves; a curve that still falls at its end says that the networks "
        "were still learning, and that more epochs may change the result."
    ]
    fields = [METHODS[method] for method in comparison.loss_curves]
    if any("second_stage" in one for one in fields):
        said.append("Methods of two stages have another loss in the last fifth of the epochs.")
    if any("members" in one for one in fields):
        said.append("Of an ensemble the first network is shown.")
    if any("base" in one for one in fields):
        said.append("Prior correction has the baseline's networks, and no curve of its own.")
    figure = _figure(comparison.loss_figure, "c", " ".join(said))
    return f"<h2>Did training end?</h2>\n{figure}"


def _over(comparison: Comparison) -> str:
    if comparison.overlap:
        return "splits (Student's t, corrected for the images that they share)"
    return "seeds (Student's t)"


def _text(text: str) -> str:
    """Return a text as HTML, with what stands between backticks as code."""
    return re.sub("`(.+?)`", r"<code>\1</code>", html.escape(text))


def _list(texts: Sequence[str]) -> str:
    items = "".join(f"<li>{_text(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def _data(comparison: Comparison) -> str:
    train, test = comparison.train_counts, comparison.test_counts
    return (
        f"{train.sum():,} training and {test.sum():,} test images of {len(train):,} classes. The "
        f"largest class has {train.max():,} training images, the smallest {train.min():,}: an "
        f"imbalance of {train.max() / train.min():,.1f}."
    )


def _how(comparison: Comparison) -> str:
    settings = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in comparison.settings.items())
    seeds = ", ".join(map(str, comparison.scores().index))
    own = "network" in comparison.settings  # and named there
    built = "" if own else "three blocks of convolution, 200 units and a softmax; "
    return (
        f"thesis_lib {__version__}; {built}"
        f"seeds {seeds}{', each of a split of its own' * bool(comparison.overlap)}; {settings}. "
        "Every network made the same number of updates. The test set was looked at after the last "
        "epoch only."
    )


def _table(frame: pd.DataFrame, caption: str, best: Best | None = None) -> str:
    """Return a caption and a table that scrolls sideways on a narrow screen."""
    head = "".join(f'<th scope="col">{html.escape(str(c))}</th>' for c in frame.columns)
    name = html.escape(str(frame.index.name or ""))
    rows = []
    marked = set() if best is None else set(map(tuple, np.argwhere(best.where).tolist()))
    for y, (key, values) in enumerate(
        zip(frame.index, frame.itertuples(index=False, name=None), strict=True)
    ):
        texts = [html.escape(_cell(v, str(c))) for c, v in zip(frame.columns, values, strict=True)]
        texts = [
            f"<strong>{text}</strong>" if (y, x) in marked else text for x, text in enumerate(texts)
        ]
        cells = "".join(
            f"<td{' class=note' * (column == 'Note')}>{text}</td>"
            for column, text in zip(frame.columns, texts, strict=True)
        )
        rows.append(f'<tr><th scope="row">{html.escape(str(key))}</th>{cells}</tr>')
    label = html.escape(caption)
    return (
        f'<p>{label}</p><div class="wide" tabindex="0" role="region" aria-label="{label}">'
        f'<table><thead><tr><th scope="col">{name}</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(value: object, column: str) -> str:
    if not isinstance(value, float):
        return str(value)
    if value != value:
        return "–"
    if column.startswith("p"):
        return f"{value:.3f}" if value >= 0.001 else "<0.001"
    return f"{value:.1f}"


def _figure(draw: Callable[[], Figure], prefix: str, caption: str) -> str:
    """Return a figure as SVG with ids of its own, so that two of them share a page."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    buffer = io.StringIO()
    with mpl.rc_context(), warnings.catch_warnings():
        # The reader's browser has the fonts of class names that Matplotlib's own lacks.
        warnings.filterwarnings("ignore", message="Glyph")
        set_style()
        mpl.rcParams["svg.fonttype"] = "none"
        figure = draw()
        figure.savefig(
            buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}
        )
    plt.close(figure)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'(\sid="|href="#|url\(#)', rf"\1{prefix}-", svg)
    label = html.escape(caption)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    return (
        f'<figure><div class="wide" tabindex="0" role="region" aria-label="Figure: {label}">'
        f"{svg}</div><figcaption>{label}</figcaption></figure>"
    )
