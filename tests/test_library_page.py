"""The reference of the library: what it lists, against what there is."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

import thesis_lib

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "chapters" / "library.md").read_text("utf-8")
BUILT = ROOT / "_build" / "html" / "chapters" / "library.html"
LISTED = {
    module: [name.strip() for name in names.split(",")]
    for module, names in re.findall(r"automodule:: (\S+)\n   :members: (.+)", PAGE)
}
EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "thesis_lib").rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)
# Public for the library's other modules only.
FOR_OTHER_MODULES = {
    "Loss",
    "times_weight",
    "checked_weights",
    "checked_counts",
    "check_length",
    "checked_prior",
    "smote_obstacle",
    "wrapped_distances",
    "wrapped_partners",
    "one_answer",
    "percent",
    "said_percentage",
}
WHOLE = (
    *("losses", "modern_losses", "resampling", "mixing", "decision", "metrics", "calibration"),
    *("anomaly", "scores", "out_of_distribution", "intervals", "rankings", "tiles", "data"),
)


@pytest.mark.parametrize("name", WHOLE)
def test_what_can_be_called_is_listed(name: str) -> None:
    module = importlib.import_module(f"thesis_lib.{name}")
    own = {
        key
        for key, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and not key.startswith("_")
    }
    listed = LISTED[module.__name__]
    assert len(listed) == len(set(listed))
    assert own - set(listed) == own & FOR_OTHER_MODULES


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_run(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted >= 1
    assert found.failed == 0


def test_what_the_package_offers_comes_first() -> None:
    first = re.findall(r"auto(?:function|class):: (\w+)", PAGE)
    assert sorted(first) == sorted(thesis_lib.__all__)
    assert PAGE.index(first[0]) < PAGE.index("automodule")


@pytest.mark.skipif(not BUILT.exists(), reason="no site is built; run make book first")
def test_the_built_page_has_an_entry_of_each() -> None:
    page = BeautifulSoup(BUILT.read_text("utf-8"), "html.parser")
    ids = {str(entry["id"]) for entry in page.select("dt.sig[id]")}
    names = {f"{module}.{name}" for module, names in LISTED.items() for name in names}
    assert ids >= names | {f"thesis_lib.{name}" for name in thesis_lib.__all__}
    compare = page.select_one('dt[id="thesis_lib.compare"] + dd')
    assert compare is not None
    heads = [dt.get_text(strip=True) for dt in compare.select("dl.field-list > dt")]
    assert heads[:3] == ["Parameters:", "Returns:", "Raises:"]
