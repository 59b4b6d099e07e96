"""What axe-core finds on a page, without asking the same about each letter of a formula.

Nearly all of axe's time goes to the contrast of every letter of a formula, word of code and cell
of a table. Texts that look alike contrast alike: it is asked about one text of each look, and about
all of a look where it cannot tell for the one.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe

# Preloading reads style sheets again, at wrong addresses where one imports another.
ALL_BUT_CONTRAST = """async () => {
  const found = await axe.run({
    preload: false, resultTypes: ["violations"], rules: {"color-contrast": {enabled: false}},
  });
  return found.violations.map(v => [v.id, v.help, v.nodes.map(node => node.html)]);
}"""

CONTRAST = """async () => {
  const visible = element => element.checkVisibility({visibilityProperty: true});
  const shown = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
  while (walker.nextNode()) {
    const element = walker.currentNode;
    const texts = [...element.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
    if ((texts || element.matches("input, select, textarea")) && visible(element)) {
      shown.push(element);
    }
  }

  // A look is a text's own style and every layer behind it.
  const style = (element, names) => {
    const computed = getComputedStyle(element);
    return names.map(name => computed[name]).join();
  };
  const layer = ["backgroundColor", "backgroundImage", "opacity", "filter", "mixBlendMode",
                 "position", "zIndex", "transform"];
  const plain = "rgba(0, 0, 0, 0),none,1,none,normal,static,auto,none";
  const behind = new Map([[null, ""]]);
  const layers = element => {
    if (!behind.has(element)) {
      const below = layers(element.parentElement), own = style(element, layer);
      behind.set(element, own === plain ? below : below + ">" + own);
    }
    return behind.get(element);
  };
  const type = ["color", "fontSize", "fontWeight", "textShadow", "webkitTextStroke"];
  const looks = Map.groupBy(shown, element =>
    [element.localName, layers(element), style(element, type)].join("|"));

  axe.configure({rules: [{id: "color-contrast", selector: "[data-asked]"}]});
  const pale = [];
  const told = new Set();
  const ask = async elements => {
    elements.forEach(element => { element.dataset.asked = ""; });
    const {passes, violations} = await axe.run({
      preload: false, resultTypes: ["passes", "violations"], runOnly: ["color-contrast"],
      elementRef: true, selectors: false,
    });
    elements.forEach(element => { delete element.dataset.asked; });
    violations.forEach(v => pale.push([v.id, v.help, v.nodes.map(node => node.html)]));
    for (const node of [...passes, ...violations].flatMap(result => result.nodes)) {
      if (node.any[0].data?.contrastRatio) told.add(node.element);
    }
  };
  const longest = (a, b) => b.textContent.length - a.textContent.length;
  const members = [...looks.values()].map(alike => alike.sort(longest));
  await ask(members.map(alike => alike[0]));
  await ask(members.filter(alike => !told.has(alike[0])).flatMap(alike => alike.slice(1)));
  return pale;
}"""


def violations(page: Any, *, contrast_only: bool = False) -> list[str]:
    """Return what a page breaks of axe's rules, one line a rule."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(CONTRAST)
    if not contrast_only:
        found += page.evaluate(ALL_BUT_CONTRAST)
    return [f"{rule}: {text}: {[html[:160] for html in nodes[:4]]}" for rule, text, nodes in found]
