"""The interactive figures of the built site in a browser, against the library."""

import functools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import chromium
from thesis_lib import decision, experiments, losses, resampling
from thesis_lib.plots import curves

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
SITE = Path(__file__).parent.parent / "_build" / "html"
KINDS = {
    "focal": "algorithm-level-methods",
    "cost": "algorithm-level-methods",
    "threshold": "binary",
    "rejection": "anomaly-detection",
    "smote": "data-level-methods",
    "descent": "deep-learning",
    "compare": "explore",
}
STATUS = SITE / "chapters" / "status.html"
# The page also lists the version of the package of that name.
NO_MNIST = re.compile(r"<p>Handwritten digits</p></td>\s*<td[^>]*><p>scikit-learn</p>")
pytestmark = [
    pytest.mark.skipif(not STATUS.exists(), reason="no site is built"),
    pytest.mark.skipif(
        STATUS.exists() and bool(NO_MNIST.search(STATUS.read_text("utf-8"))),
        reason="the site was built without MNIST, so recorded outputs have no labels",
    ),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with chromium.serve(SITE) as root:
        yield f"{root}chapters"


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with chromium.launch() as started:
        yield started


class Widget:
    """One interactive figure of an open page."""

    def __init__(self, page: "playwright.Page", kind: str) -> None:
        self.page = page
        self.root = page.locator(f'.explore[data-kind="{kind}"]')

    def set(self, label: str, value: float | str) -> None:
        """Set a slider or choose an option, and wait for the frame that shows it."""
        control = self.root.locator("input, select").and_(self.root.get_by_label(label))
        if control.evaluate("e => e.tagName") == "SELECT":
            control.select_option(label=str(value))
        else:
            control.fill(str(value))
        self.settle()

    def settle(self) -> None:
        self.page.evaluate("() => new Promise(f => requestAnimationFrame(() => setTimeout(f)))")

    @property
    def text(self) -> str:
        return self.root.locator("output").inner_text()

    @property
    def numbers(self) -> list[float]:
        return [
            float(n)
            for n in re.findall(r"-?\d+(?:\.\d+)?(?:e\+?-?\d+)?", self.text.replace("−", "-"))
        ]

    @property
    def data(self) -> dict:
        return json.loads(self.root.locator("script").evaluate("e => e.textContent"))

    def table(self) -> list[list[int]]:
        rows = self.root.locator("tbody tr").all()
        return [[int(n) for n in row.locator("td").all_inner_texts()] for row in rows]


@pytest.fixture(scope="module")
def opened(browser, address) -> Callable[[str], tuple[Widget, list[str]]]:
    """Return a function that opens a figure's page, once, and collects its errors."""

    @functools.cache
    def open_chapter(stem: str) -> tuple["playwright.Page", list[str]]:
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/{stem}.html", wait_until="load")
        return page, errors

    def open_page(kind: str) -> tuple[Widget, list[str]]:
        page, errors = open_chapter(KINDS[kind])
        return Widget(page, kind), errors

    return open_page


@pytest.fixture(scope="module")
def without_scripts(browser) -> Iterator["playwright.Page"]:
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def on_a_phone(browser, address) -> Callable[[str], "playwright.Page"]:
    """Return a function that opens a figure's page in a small window, unless it is open there."""
    page = browser.new_page(viewport={"width": 360, "height": 740})

    def open_page(kind: str) -> "playwright.Page":
        wanted = f"{address}/{KINDS[kind]}.html"
        if page.url != wanted:
            page.goto(wanted, wait_until="load")
        return page

    return open_page


@pytest.fixture
def widget(opened, request) -> Iterator[Widget]:
    """A figure as another test left it: each test sets the controls that it reads."""
    found, errors = opened(request.param)
    yield found
    assert errors == []


of = functools.partial(pytest.mark.parametrize, "widget", indirect=True)


@of(["focal"])
@pytest.mark.parametrize(("gamma", "p"), [(2, 0.2), (0, 0.5), (0.5, 0.9), (5, 0.05)])
def test_focal_loss_is_the_librarys(widget: Widget, gamma: float, p: float) -> None:
    widget.set("Focusing γ", gamma)
    widget.set("Probability p of the true class", p)
    loss = losses.FocalLoss(gamma)

    def of_logit(z: float) -> float:
        q = 1 / (1 + np.exp(-z))
        return float(loss(np.array([[1.0, 0.0]]), np.array([[q, 1 - q]])))

    z, h = np.log(p / (1 - p)), 0.01
    slope = (of_logit(z + h) - of_logit(z - h)) / (2 * h)
    assert widget.numbers[:2] == [gamma, p]
    assert widget.numbers[2:4] == pytest.approx([of_logit(z), slope], abs=2e-4)


@of(["threshold"])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 1 / 101])
@pytest.mark.parametrize(("name", "seed"), [("binary/baseline", 1), ("binary/rus-corrected", 1)])
def test_counts_at_a_threshold_are_the_librarys(
    widget: Widget, threshold: float, name: str, seed: int
) -> None:
    shown = widget.data
    widget.set("Recorded network", f"{name}, seed {seed}")
    widget.set("Threshold of class 0", np.abs(np.array(shown["thresholds"]) - threshold).argmin())
    p0 = experiments.outputs(name, seed)[:, 0].astype(float)
    cost = decision.cost_matrix(2, {(0, 1): (1 - threshold) / threshold})
    y_pred = decision.move_thresholds(np.stack([p0, 1 - p0], axis=1), cost).argmax(axis=1)
    y_true = np.array(shown["labels"])
    expected = [[int(((y_true == c) & (y_pred == j)).sum()) for j in (0, 1)] for c in (0, 1)]
    assert widget.table() == expected
    assert [sum(row) for row in expected] == [980, 1135]


@of(["cost"])
@pytest.mark.parametrize(("c", "j", "cost"), [(1, 8, 1), (1, 8, 2000), (5, 3, 20), (0, 9, 100)])
def test_a_cost_moves_the_decisions_as_in_the_library(
    widget: Widget, c: int, j: int, cost: int
) -> None:
    shown = widget.data
    widget.set("True class c", c)
    widget.set("taken for class j", j)
    widget.set("Cost C(c, j)", shown["costs"].index(cost))
    outputs = experiments.outputs("multiclass/rus-corrected", 1)[::10].astype(float)
    outputs /= outputs.sum(axis=1, keepdims=True)
    y_pred = decision.move_thresholds(outputs, decision.cost_matrix(10, {(c, j): cost})).argmax(1)
    expected = np.zeros((10, 10), int)
    np.add.at(expected, (np.array(shown["labels"]), y_pred), 1)
    assert widget.table() == expected.tolist()


@of(["cost"])
def test_a_cell_of_the_matrix_chooses_its_mistake(widget: Widget) -> None:
    widget.root.locator("tbody tr").nth(2).locator("td").nth(7).click()
    widget.settle()
    chosen = [select.input_value() for select in widget.root.locator("select").all()]
    assert chosen == ["2", "7"]
    assert widget.text.startswith("Output 2 is multiplied by")


@of(["rejection"])
def test_rejected_shares_are_those_counted(widget: Widget) -> None:
    widget.set("Threshold λ", 0.6)
    shown = widget.data
    at = {name: shown[name]["rejected"][60] for name in ("normal", "anomalous")}
    assert [int(n) for n in (widget.numbers[1], widget.numbers[4])] == [
        at["anomalous"],
        at["normal"],
    ]
    widget.set("Threshold λ", 1)
    assert widget.numbers[3] == widget.numbers[6] == 100


@of(["smote"])
@pytest.mark.parametrize("weight", [0, 0.25, 0.5, 0.7, 1])
def test_the_mixture_is_the_librarys(widget: Widget, weight: float) -> None:
    widget.set("λ", weight)
    images = np.array(widget.data["images"], np.uint8)
    expected = resampling.blend(images, np.array([[0, 1]]), np.array([float(weight)]))[0]
    painted = (
        widget.root.locator("canvas")
        .nth(1)
        .evaluate("c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
    )
    assert painted[::4] == expected.tolist()
    assert painted[1::4] == painted[2::4] == expected.tolist()


@of(["descent"])
@pytest.mark.parametrize(("rate", "steps"), [(0.1, 3), (0.2, 20), (0.49, 20), (0.55, 40)])
def test_the_path_is_the_librarys(widget: Widget, rate: float, steps: int) -> None:
    widget.set("Learning rate η", rate)
    widget.set("Steps", steps)
    curvatures = np.array([1.0, 4.0])
    w = curves.descent_path(lambda w: curvatures * w, (-2.5, 1.0), rate, steps)[-1]
    assert widget.numbers[:4] == pytest.approx([rate, steps, *w], abs=6e-4)
    loss = (curvatures * w**2).sum() / 2
    # Large numbers are shown with two digits.
    tolerance = {"abs": 6e-4} if loss < 1e4 else {"rel": 0.05}
    assert widget.numbers[4] == pytest.approx(loss, **tolerance)
    assert ("too large" in widget.text) == (rate > 0.5)


@of(["compare"])
def test_methods_can_be_left_out_and_ordered(widget: Widget) -> None:
    def shown() -> dict[str, list[str]]:
        rows = widget.root.locator("tbody tr").all()
        cells = [row.locator("td:not([aria-hidden])").all_inner_texts() for row in rows]
        return dict(zip(widget.root.locator("tbody th").all_inner_texts(), cells, strict=True))

    compared = widget.data["tasks"]["two classes"]
    widget.set("Task", "two classes")
    widget.set("Metric", "Mean recall")
    assert list(shown()) == compared["methods"]
    widget.root.get_by_label("SMOTE").uncheck()
    widget.set("Metric", "Recall of class 0")
    numbers = compared["metrics"]["Recall of class 0"]
    for column, name in enumerate(("recorded", "published")):
        widget.set("Order", f"best {name} first")
        values: dict[str, Any] = {
            method: value[0] if isinstance(value, list) else value
            for method, value in zip(compared["methods"], numbers[name], strict=True)
            if method != "SMOTE"
        }
        best = max(values, key=lambda method: -1 if values[method] is None else values[method])
        found = {method: cells[column] for method, cells in shown().items()}
        ranked = [float(text) for text in found.values() if text != "–"]
        assert ranked == sorted(ranked, reverse=True)
        assert f"{best}, {values[best]:.2f} % {name}" in widget.text
        assert set(found) == set(values)
        assert found[best] == f"{values[best]:.2f}"


@of(["rejection", "focal"])
def test_a_pointer_moves_the_mark(widget: Widget) -> None:
    drawing = widget.root.locator("svg").first
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    # The axis from 0 to 1 lies between 50 and 322 of the drawing's 340.
    across = [box["x"] + box["width"] * (50 + share * 272) / 340 for share in (0.5, 0.25)]
    widget.page.mouse.move(across[0], box["y"] + 40)
    widget.page.mouse.down()
    widget.page.mouse.move(across[1], box["y"] + 40)
    widget.page.mouse.up()
    widget.settle()
    assert widget.root.locator("input[type=range]").last.input_value() == "0.25"
    widget.page.mouse.move(across[0], box["y"] + 40)  # not pressed any more
    assert widget.root.locator("input[type=range]").last.input_value() == "0.25"


@of(list(KINDS))
def test_the_keyboard_moves_every_figure(widget: Widget) -> None:
    sliders, choices = widget.root.locator("input[type=range]"), widget.root.locator("select")
    control = sliders.first if sliders.count() else choices.first
    if sliders.count():
        control.fill(control.get_attribute("min"))
        widget.settle()
    control.focus()
    before = widget.text
    last = not sliders.count() and control.evaluate("e => e.selectedIndex > 0")
    key = "ArrowRight" if sliders.count() else "ArrowUp" if last else "ArrowDown"
    widget.page.keyboard.press(key)
    widget.settle()
    assert widget.text != before
    assert widget.root.locator("output").get_attribute("aria-live") == "polite"


@kinds
def test_without_scripts_the_static_figure_is_there(without_scripts, address, kind) -> None:
    without_scripts.goto(f"{address}/{KINDS[kind]}.html")
    image = without_scripts.locator(f'.explore[data-kind="{kind}"] img.explore-fallback')
    assert image.is_visible()
    assert image.bounding_box()["height"] > 100


@kinds
def test_in_print_the_static_figure_is_there(on_a_phone, kind) -> None:
    page = on_a_phone(kind)
    root = page.locator(f'.explore[data-kind="{kind}"]')
    assert root.locator(".explore-live").is_visible()
    assert not root.locator("img").is_visible()
    page.emulate_media(media="print")
    assert root.locator("img").is_visible()
    assert not root.locator(".explore-live").is_visible()
    page.emulate_media(media="screen")


@kinds
def test_a_figure_fits_a_phone_and_its_controls_a_thumb(on_a_phone, kind) -> None:
    # What axe finds on the pages is in test_browser.py.
    root = on_a_phone(kind).locator(f'.explore[data-kind="{kind}"]')
    controls = root.locator("input[type=range], select, .explore-check label")
    assert min(box.bounding_box()["height"] for box in controls.all()) >= 44
    box = root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    live = root.locator(".explore-live")
    assert live.evaluate("e => e.scrollWidth <= e.clientWidth")


@pytest.mark.parametrize("path", sorted((SITE / "chapters").glob("*.html")), ids=lambda p: p.stem)
def test_only_pages_with_figures_load_scripts(path: Path) -> None:
    loaded = re.findall(r"explore/([a-z]+)\.js", path.read_text("utf-8"))
    here = sorted(kind for kind, chapter in KINDS.items() if chapter == path.stem)
    assert loaded == (["chart", *here] if here else [])
