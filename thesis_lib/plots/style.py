"""One style for every figure."""

from __future__ import annotations

import sys

import matplotlib as mpl
from cycler import cycler

# Okabe and Ito's colours, told apart with every kind of colour blindness.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, ORANGE, GREEN, PINK, YELLOW, SKY, BLACK = PALETTE
GREY = "#6b6b6b"


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
