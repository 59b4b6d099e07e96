"""Deep learning with imbalanced data sets: the library that the book's chapters call."""

__version__ = "0.1.0"
