"""What axe-core finds on a page, without asking the same about each letter of a formula.

Nearly all of axe's time goes to reading the elements of a page, which it does anew at each call,
and to the contrast of every letter of a formula, word of code and cell of a table. So one call asks
for all of its rules. And texts that look alike contrast alike: it is asked about two texts of each
look, and about all of a look where it cannot tell for the two. The letters of other formulas, which
no reader of a screen meets (it reads their MathML), are away meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe

# The rules whose answer can change with a window's width or with a theme.
OF_LOOKS = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")

CHECK = """async ({rules, known}) => {
  // Rows of a table that are built alike look alike: of those beyond the third, all rules are asked
  // once, and the rules of looks never.
  const away = [];
  const built = row => [row, ...row.querySelectorAll("*")].map(e =>
    [e.localName, e.className, e.getAttribute("style")].join(" ")).join();
  if (rules) for (const body of document.querySelectorAll("tbody")) {
    for (const alike of Map.groupBy(body.rows, built).values()) {
      alike.slice(3).forEach(row => away.push([row.nextSibling, body, row]));
    }
  }
  away.forEach(([, , row]) => row.remove());

  // What is for readers of a screen alone has no contrast, and axe cannot tell that of one letter.
  const unseen = ".katex-mathml *, .visually-hidden, .visually-hidden *";
  const visible = element =>
    element.checkVisibility({visibilityProperty: true}) && !element.matches(unseen);
  const shown = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
  while (walker.nextNode()) {
    const element = walker.currentNode;
    const texts = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
    const letters = texts.map(node => node.data).join("").trim().length;
    if ((letters > 1 || element.matches("input, select, textarea")) && visible(element)) {
      shown.push(element);
    }
  }

  // Axe cannot tell a contrast with an image, as of the shadow behind each table: without them, it
  // tells the one with the colour below.
  const imageless = document.createElement("style");
  imageless.textContent = "* { background-image: none !important; }";
  document.head.append(imageless);

  // A look is what a text's contrast depends on: its own style and every layer behind it. Of large
  // text, as the guidelines measure it, less is asked.
  const style = (element, names) => {
    const computed = getComputedStyle(element);
    return names.map(name => computed[name]).join();
  };
  const layer = ["backgroundColor", "backgroundImage", "opacity", "filter", "mixBlendMode",
                 "position", "zIndex", "transform"];
  const plain = "rgba(0, 0, 0, 0),none,1,none,normal,static,auto,none";
  const behind = new Map([[null, ""]]);
  const layers = element => {
    // What a formula is built of paints nothing but its letters.
    if (element?.matches(".katex *")) return layers(element.closest(".katex"));
    if (!behind.has(element)) {
      const below = layers(element.parentElement), own = style(element, layer);
      behind.set(element, own === plain ? below : below + ">" + own);
    }
    return behind.get(element);
  };
  const type = ["color", "textShadow", "webkitTextStroke"];
  const large = element => {
    const {fontSize, fontWeight} = getComputedStyle(element);
    return parseFloat(fontSize) >= (fontWeight >= 700 ? 18.66 : 24);
  };
  const looks = Map.groupBy(shown, element =>
    [layers(element), style(element, type), large(element)].join("|"));

  const told = new Set(known.told), hard = new Set(known.hard);
  const contrastAlone = rules?.join() === "color-contrast";
  if (contrastAlone) [...told, ...hard].forEach(look => looks.delete(look));

  axe.configure({rules: [{id: "color-contrast", selector: "[data-asked]"}]});
  const broken = [];
  const answered = new Set();
  const ask = async (elements, options) => {
    elements.forEach(element => { element.dataset.asked = ""; });
    const empty = [...document.querySelectorAll(".katex-html:not(:has([data-asked]))")]
      .map(formula => [formula, [...formula.childNodes]]);
    empty.forEach(([formula]) => formula.replaceChildren());
    // Preloading reads style sheets again, at wrong addresses where one imports another.
    const {passes, violations} = await axe.run({
      preload: false, resultTypes: ["passes", "violations"], elementRef: true, selectors: false,
      ...options,
    });
    empty.forEach(([formula, letters]) => formula.replaceChildren(...letters));
    elements.forEach(element => { delete element.dataset.asked; });
    violations.forEach(v => broken.push([v.id, v.help, v.nodes.map(node => node.html)]));
    const contrasts = [...passes, ...violations].filter(found => found.id === "color-contrast");
    for (const node of contrasts.flatMap(found => found.nodes)) {
      if (node.any[0].data?.contrastRatio) answered.add(node.element);
    }
  };
  const contrast = {runOnly: ["color-contrast"]};
  // The longest of a look, which may be the one that a table has scrolled away, and the foremost.
  const length = element => element.textContent.length;
  const examples = alike =>
    [alike[0], alike.reduce((a, b) => length(b) > length(a) ? b : a)];
  const open = ([look, alike]) =>
    !hard.has(look) && !examples(alike).some(element => answered.has(element));
  const first = [...looks].flatMap(([look, alike]) => hard.has(look) ? alike : examples(alike));
  if (first.length || !contrastAlone) await ask(first, rules ? {runOnly: rules} : {});
  const rest = [...looks].filter(open).flatMap(([, alike]) => alike);
  if (rest.length) await ask(rest, contrast);
  imageless.remove();
  away.reverse().forEach(([next, body, row]) => body.insertBefore(row, next));
  for (const [look, alike] of looks) {
    if (open([look, alike])) hard.add(look);
    if (alike.some(element => answered.has(element))) told.add(look);
  }
  const pale = broken.some(([rule]) => rule === "color-contrast");
  return {broken, told: pale ? known.told : [...told], hard: [...hard]};
}"""


@dataclass
class Looks:
    """The looks of texts that axe was asked about: those it told, and those to ask of every text.

    None is among those told that was beside one that is too pale.
    """

    told: list[str] = field(default_factory=list)
    hard: list[str] = field(default_factory=list)


def violations(
    page: Any, looks: Looks | None = None, rules: Sequence[str] | None = None
) -> list[str]:
    """Return what a page breaks of axe's rules, one line a rule.

    ``looks`` remembers from one call to the next what was asked. With ``rules``, axe is asked about
    these alone; with "color-contrast" alone, about new looks and nothing else.
    """
    looks = looks or Looks()
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(Axe().axe_script)
    known = {"told": looks.told, "hard": looks.hard}
    found = page.evaluate(CHECK, {"rules": rules, "known": known})
    looks.told, looks.hard = found["told"], found["hard"]
    return [
        f"{rule}: {text}: {[html[:160] for html in nodes[:4]]}"
        for rule, text, nodes in found["broken"]
    ]
