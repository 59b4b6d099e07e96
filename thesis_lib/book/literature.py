"""Numbers that papers print for long-tailed CIFAR-10, kept in ``literature.yml``.

They are from other networks and other code than ours, so what compares is the gain over each
paper's own baseline.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from thesis_lib import later

FILE = Path(__file__).with_name("literature.yml")


@cache
def _tables() -> list[dict[str, Any]]:
    # As texts, which keep the last digit of 82.0.
    content: list[dict[str, Any]] = yaml.load(FILE.read_text("utf-8"), yaml.BaseLoader)
    return content


def long_tailed_cifar10() -> pd.DataFrame:
    """Return what papers print for CIFAR-10 at an imbalance ratio of 100 with a ResNet-32.

    Returns
    -------
    DataFrame
        A row a number: "Source" (a key of ``references.bib``), "Table", "Method" as the paper calls
        it, "Slug" of the same method here (None if there is none), "Printed" (the accuracy in
        percent as a text with the paper's digits), "Accuracy" as a number, and "Gain" in points
        over the cross-entropy of the same table.
    """
    rows = [
        (
            table["source"],
            table["table"],
            method,
            slug[0] if slug else None,
            str(100 - Decimal(number)) if table["unit"] == "error" else number,
        )
        for table in _tables()
        for method, number, *slug in table["rows"]
    ]
    found = pd.DataFrame(rows, columns=["Source", "Table", "Method", "Slug", "Printed"])
    found["Accuracy"] = found["Printed"].astype(float)
    baseline = found[found["Slug"] == later.BASELINE].set_index("Source")["Accuracy"]
    found["Gain"] = found["Accuracy"] - found["Source"].map(baseline)
    return found.round({"Gain": 2})
