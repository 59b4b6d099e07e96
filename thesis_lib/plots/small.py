"""Small figures for a page's first screen: a few shares, each written beside its bar."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from thesis_lib.plots.style import GREY, PALETTE, subplots


def shares(values: Mapping[str, float | Sequence[float]], *, xlabel: str) -> Figure:
    """Draw percentages as labelled horizontal bars, the first on top.

    Parameters
    ----------
    values : mapping of str to float or (mean, low, high)
        Percent. Bounds are drawn as a line, cut at 0 and 100; NaN is shown as "not recorded".
    xlabel : str
    """
    rows = {name: _triple(value) for name, value in values.items()}
    figure, axis = subplots(figsize=(3.3, 0.75 + 0.34 * len(rows)))
    for y, (mean, low, high) in enumerate(rows.values()):
        if math.isnan(mean):
            axis.text(1, y, "not recorded", va="center", color=GREY)
            continue
        axis.barh(y, mean, height=0.62, color=PALETTE[y % len(PALETTE)])
        ends = [min(100.0, max(0.0, bound)) for bound in (low, high) if math.isfinite(bound)]
        if ends:
            axis.plot(ends, [y, y], color="black", linewidth=1.4)
        axis.text(max([mean, *ends]) + 2, y, f"{mean:.1f} %", va="center")
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlim(0, 128)
    axis.set_xticks([0, 50, 100])
    axis.set_xlabel(xlabel)
    return figure


def _triple(value: float | Sequence[float]) -> tuple[float, float, float]:
    if isinstance(value, int | float):
        return float(value), math.nan, math.nan
    if len(value) != 3:
        raise ValueError(f"A value is a number or (mean, low, high); got {len(value)} numbers.")
    mean, low, high = (float(v) for v in value)
    return mean, low, high
