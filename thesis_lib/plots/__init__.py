"""Every figure of the book: arrays in, one Matplotlib figure out; nothing here trains or reads."""

from thesis_lib.plots.style import set_style

__all__ = ["set_style"]
