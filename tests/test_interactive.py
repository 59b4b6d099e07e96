"""Interactive figures: nothing in them becomes markup; their data are the library's."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt

import explore
from tests import chromium
from thesis_lib import experiments
from thesis_lib.book import interactive, published
from thesis_lib.book.interactive import (
    Interactive,
    binary_outputs,
    class_outputs,
    comparison,
    comparison_figure,
    rejections,
)

ALT = "A line that rises from the left to the right"
HOSTILE = ["</script><img src=x onerror=alert(1)>", "<!--<script>", "]]>", "\"&quot;'", "\u2028"]


class Reader(HTMLParser):
    """The tags of a document and the text of its script, as a browser would split them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.script = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.script += data


def figure() -> plt.Figure:
    return plt.subplots()[0]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings_stay_text(text: str) -> None:
    shown = Reader(Interactive("focal", {text: [text]}, figure(), ALT + text).to_html())
    assert [tag for tag, _ in shown.tags] == ["div", "script", "img"]
    assert json.loads(shown.script) == {text: [text]}
    for tag, attribute in (("div", "data-label"), ("img", "alt")):
        assert dict(shown.tags)[tag][attribute] == " ".join((ALT + text).split())
    assert "onerror" not in {name for _, attributes in shown.tags for name in attributes}


def test_data_hold_no_character_that_opens_a_tag() -> None:
    page = Interactive("focal", "".join(HOSTILE), figure(), ALT).to_html()
    assert not re.search("[<>&]", page.partition('json">')[2].partition("</script>")[0])


def test_the_static_figure_is_a_closed_svg() -> None:
    drawn = figure()
    image = dict(Reader(Interactive("focal", 1, drawn, ALT).to_html()).tags)["img"]
    kind, _, content = str(image["src"]).partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b"<svg" in base64.b64decode(content)
    assert drawn.number not in plt.get_fignums()


def test_the_same_figure_is_the_same_page() -> None:
    with plt.rc_context({"svg.hashsalt": "thesis"}):
        assert len({Interactive("focal", 1, figure(), ALT).to_html() for _ in range(2)}) == 1


@pytest.mark.parametrize(
    ("kind", "data", "alt", "message"),
    [
        ("Focal", 1, ALT, "lower-case words"),
        ('focal" onload="', 1, ALT, "lower-case words"),
        ("focal", 1, "short", "at least 20 characters"),
        ("focal", float("nan"), ALT, "not JSON compliant"),
    ],
)
def test_what_cannot_be_shown_is_refused(kind: str, data: object, alt: str, message: str) -> None:
    drawn = figure()
    with pytest.raises(ValueError, match=message):
        Interactive(kind, data, drawn, alt)
    plt.close(drawn)


def test_rejections_are_counts_at_or_below_each_threshold() -> None:
    counts = rejections(normal=[0.5, 0.995], anomalous=[0.0, 0.25, 1.0])
    assert [counts["normal"]["rejected"][i] for i in (0, 49, 50, 99, 100)] == [0, 0, 1, 1, 2]
    assert [counts["anomalous"]["rejected"][i] for i in (0, 24, 25, 99, 100)] == [1, 1, 2, 2, 3]
    assert (counts["normal"]["n"], counts["anomalous"]["n"]) == (2, 3)


def test_outputs_are_those_recorded_and_unknown_networks_are_left_out() -> None:
    kept = experiments.outputs("binary/baseline", 1)
    assert kept is not None
    labels = np.zeros(len(kept), int)
    shown = binary_outputs([("binary/baseline", 1), ("binary/baseline", 99)], labels)
    assert list(shown["networks"]) == ["binary/baseline, seed 1"]
    column = shown["networks"]["binary/baseline, seed 1"]
    assert np.array_equal(np.float16(column), kept[:, 0].astype(np.float16))


def test_every_tenth_image_keeps_its_label() -> None:
    outputs = np.eye(4)[np.arange(40) % 4]
    shown = class_outputs(outputs, np.arange(40) % 4, step=10)
    assert np.argmax(shown["outputs"], axis=1).tolist() == shown["labels"] == [0, 2, 0, 2]


def test_published_mean_recall_is_the_mean_of_printed_recalls() -> None:
    compared = comparison("binary")
    row = compared["methods"].index("MSFE")
    recalls = [published.number("8.14", "M_fse", c) for c in ("0", "1")]
    metrics = compared["metrics"]
    assert metrics["Mean recall"]["published"][row] == pytest.approx(sum(recalls) / 2, abs=1e-3)
    assert metrics["Lowest recall"]["published"][row] == min(recalls)
    assert metrics["Recall of class 1"]["published"][row] == recalls[1]


def test_unknown_tasks_and_metrics_name_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="task has to be one of multiclass, binary; got 'three'"):
        comparison("three")
    with pytest.raises(ValueError, match=r"metric has to be one of Mean recall, .*; got 'Recall'"):
        comparison_figure(comparison("binary"), "Recall")


def test_recorded_metrics_are_means_over_seeds_of_each_runs_metric() -> None:
    compared = comparison("binary")
    row = compared["methods"].index("RUS")
    recalls = np.array([run.recall for run in experiments.recorded("binary/rus")])
    found = compared["metrics"]["Lowest recall"]["recorded"][row]
    assert found[0] == pytest.approx(100 * recalls.min(axis=1).mean(), abs=1e-3)
    assert found[1] < found[0] < found[2]


def test_a_notebook_gets_a_frame_with_the_scripts_and_the_page_leaves_it_out() -> None:
    shown = Interactive("focal", HOSTILE, figure(), ALT)
    notebook = shown._repr_mimebundle_()["text/html"]
    assert [tag for tag, _ in Reader(notebook).tags] == ["div", "script", "img", "iframe"]
    frame = dict(Reader(notebook).tags)["iframe"]
    assert "Explore.kinds.focal" in str(frame["srcdoc"])
    assert "hidden" in frame
    context = {"body": f"<p>{notebook}</p>"}
    explore.add_to_page(App(), "page", "page.html", context, None)
    assert context["body"] == f"<p>{shown.to_html()}</p>"


def test_without_the_scripts_a_notebook_shows_the_static_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(interactive, "_SCRIPTS", tmp_path)
    shown = Interactive("focal", 1, figure(), ALT)
    assert shown._repr_mimebundle_()["text/html"] == shown.to_html()


@pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("light", ["true", "false"])
def test_a_slider_moves_in_a_notebook(light: str) -> None:
    """JupyterLab puts an output on its page by innerHTML, which runs no script of it."""
    output = Interactive("focal", {"gamma": 2, "p": 0.2}, figure(), ALT).to_notebook()
    with chromium.launch() as browser:
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_content(f'<body data-jp-theme-light="{light}"><div id="cell"></div>')
        page.evaluate("html => { document.querySelector('#cell').innerHTML = html }", output)
        frame = page.frame_locator("iframe.explore-notebook")
        frame.get_by_label("Focusing").fill("0")
        told = frame.locator("output")
        told.filter(has_text="γ = 0.0").wait_for()
        assert "loss 1.6094" in told.inner_text()
        assert not page.locator("#cell > .explore").is_visible()
        box = page.locator("iframe").bounding_box()
        assert box["height"] > frame.locator(".explore-live").bounding_box()["height"]
        assert frame.locator("html").get_attribute("data-theme") == (
            "light" if light == "true" else "dark"
        )
        assert errors == []


class App:
    """Remembers what a page would load."""

    def __init__(self) -> None:
        self.files: list[str] = []

    def add_css_file(self, name: str) -> None:
        self.files.append(name)

    def add_js_file(self, name: str, **_: object) -> None:
        self.files.append(name)


def test_a_page_loads_the_scripts_of_its_figures_only() -> None:
    body = "".join(Interactive(k, 1, figure(), ALT).to_html() for k in ("smote", "cost", "cost"))
    app = App()
    explore.add_to_page(app, "page", "page.html", {"body": body}, None)
    names = ["explore.css", "chart.js", "cost.js", "smote.js"]
    assert app.files == [f"explore/{name}" for name in names]


def test_other_pages_load_none() -> None:
    app = App()
    for context in ({}, {"body": '<p>&lt;div class="explore" data-kind="cost"&gt;</p>'}):
        explore.add_to_page(app, "page", "page.html", context, None)
    assert app.files == []


def test_the_folder_is_taken_off_the_list_for_every_page() -> None:
    class Config:
        html_js_files = ("explore/chart.js", "other.js")
        html_css_files = ("explore/explore.css", "book.css")

    explore.drop_from_every_page(None, config := Config())
    assert (list(config.html_js_files), list(config.html_css_files)) == (["other.js"], ["book.css"])
