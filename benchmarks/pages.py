"""Weight and first paint of every page of the built site: ``python -m benchmarks.pages``.

Serves ``_build/html`` from this machine, opens each page in a fresh headless Chromium profile, as
a first visit, and prints its requests, the bytes of all that it loads at first, uncompressed, and
the time of the first contentful paint, the median of three visits. Exits with 1 where a page is
above 1.5 MB (2.5 MB with an interactive figure) or paints later than one second.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

from tests import chromium

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"
VISITS = 3
MEASURE = """() => new Promise(resolve => {
  new PerformanceObserver(list => {
    const paint = list.getEntriesByName("first-contentful-paint")[0];
    if (!paint) return;
    const loaded = performance.getEntries().filter(entry => entry.encodedBodySize);
    const bytes = loaded.reduce((sum, entry) => sum + entry.encodedBodySize, 0);
    resolve([loaded.length, bytes, paint.startTime]);
  }).observe({type: "paint", buffered: true});
})"""


def measure(browser: Any, url: str) -> tuple[int, int, float]:
    """Return requests, bytes and milliseconds to the first contentful paint of a first visit."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    requests, size, paint = page.evaluate(MEASURE)
    context.close()
    return requests, size, paint


def main() -> int:
    """Print a line a page; return 1 if one is too heavy or too slow."""
    pages = [path for path in sorted(SITE.rglob("*.html")) if "_static" not in path.parts]
    if not pages:
        print("no site is built; run make book first", file=sys.stderr)
        return 1
    bad = 0
    print(f"{'page':44} {'requests':>8} {'kB':>6} {'paint ms':>8}")
    with chromium.launch() as browser, chromium.serve(SITE) as address:
        for path in pages:
            name = str(path.relative_to(SITE))
            visits = [measure(browser, address + name) for _ in range(VISITS)]
            requests, size, _ = visits[0]
            paint = statistics.median(visit[2] for visit in visits)
            limit = 2_500_000 if "explore/" in path.read_text("utf-8") else 1_500_000
            verdict = "" if size < limit and paint < 1000 else "  ABOVE THE LIMIT"
            bad += bool(verdict)
            print(f"{name:44} {requests:8} {size / 1000:6.0f} {paint:8.0f}{verdict}")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
