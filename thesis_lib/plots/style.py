"""One style for every figure."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

# Okabe and Ito's colours, told apart with every kind of colour blindness.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, ORANGE, *_, SKY, BLACK = PALETTE
GREY = "#6b6b6b"

_LETTER = 0.085  # inches, about

# With letters that Matplotlib's own font lacks, on Linux and macOS.
_FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Arial Unicode MS",
)


def families() -> list[str]:
    """Return the font families to write in, those after the first for letters that it lacks.

    Only families that are installed: Matplotlib warns of each that is not.
    """
    there = set(font_manager.get_font_names())
    found = [name for name in _FALLBACKS if name in there]
    return list(dict.fromkeys([*mpl.rcParams["font.family"], *found]))


def subplots(rows: int = 1, columns: int = 1, **settings: Any) -> tuple[Figure, Any]:
    """Make a figure whose labels and legends fit into it, whatever style is set.

    Parameters
    ----------
    rows, columns : int
        Of axes.
    **settings
        As ``matplotlib.pyplot.subplots`` takes them.

    Returns
    -------
    tuple of Figure and of Axes, or an array of them
    """
    return plt.subplots(rows, columns, layout="constrained", **settings)


def name_ticks(
    axis: Axis, names: Sequence[str], *, room: float = math.inf, longest: int = 24
) -> None:
    """Write a name at each of the positions 0, 1, …: as text, in letters of any language.

    Parameters
    ----------
    axis : Axis
        Of x or y.
    names : sequence of str
    room : float
        Inches that each has; longer names are turned.
    longest : int
        Letters after which a name is cut.
    """
    short = [name if len(name) <= longest else f"{name[: longest - 1]}…" for name in names]
    turned: dict[str, Any] = {}
    if _LETTER * max(map(len, short), default=0) > 0.9 * room:
        turned = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    axis.set_ticks(range(len(short)), short, parse_math=False, fontfamily=families(), **turned)


def plain_numbers(axis: Axis) -> None:
    """Write the numbers of an axis as the text does: 1,000 and no powers of ten.

    Parameters
    ----------
    axis : Axis
        Of x or y; if it is logarithmic, after that was set.
    """
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}".replace("-", "−")))


def legend(axis: Axes, curves: int) -> None:
    """Say what the curves of an axes are: among them if they are few, else above.

    Parameters
    ----------
    axis : Axes
        The only one of its figure.
    curves : int
    """
    if curves > 5:  # which leave no room between them
        axis.figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    else:
        axis.legend()


def say_missing(axis: Axes) -> None:
    """Say in the middle of empty axes, without ticks, that there is no record of what they show.

    Parameters
    ----------
    axis : Axes
    """
    axis.text(0.5, 0.5, "no record", transform=axis.transAxes, ha="center", color=GREY)
    axis.set(xticks=[], yticks=[])


def set_style() -> None:
    """Set fonts, colours and a light opaque ground, which reads on a dark page too.

    In a notebook figures become SVG, without date and with fixed ids: the same figure is the same
    file in every build.
    """
    mpl.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=PALETTE),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 11,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "#fdfdfb",
            "figure.figsize": (6.4, 3.4),
            "axes.facecolor": "#fdfdfb",
            "font.family": families(),
            "font.size": 10,
            "image.cmap": "Greys_r",
            "legend.frameon": False,
            "savefig.facecolor": "#fdfdfb",
            "svg.hashsalt": "thesis",
        }
    )
    # A notebook has imported IPython; who only installed this library may not have it.
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", bbox_inches="tight", metadata={"Date": None})
