"""Accessibility of every view, in both themes: axe-core, font sizes, touch targets, widths.

axe-core 4.14.1 is vendored with its licence (Mozilla Public License 2.0).
"""

import hashlib
from pathlib import Path

import pytest

from tests.web.browser.conftest import DESKTOP, PHONE, VIEWS

AXE = Path(__file__).parent / "axe-core" / "axe.min.js"
DIGEST = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
TABLET = (768, 1024)

# Texts below 14 px, and controls that are smaller than 44 x 24 px or have no name.
MEASURE = """() => {
  const seen = (e) => e.checkVisibility() && e.getClientRects().length;
  const name = (e) => `${e.tagName} ${e.id || e.textContent.trim().slice(0, 30)}`;
  const small = [...document.querySelectorAll("body *")].filter((e) => seen(e) &&
    [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) &&
    parseFloat(getComputedStyle(e).fontSize) < 14).map(name);
  const controls = [...document.querySelectorAll("main button, main select, nav a, header button")]
    .filter(seen).filter((e) => e.getBoundingClientRect().height < 43).map(name);
  return { small, controls, width: document.documentElement.scrollWidth };
}"""


def check_accessibility(page, size) -> None:
    """Check everything that a page shows now: axe-core, font sizes, touch targets, width."""
    page.evaluate(AXE.read_text())
    results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [v for v in results["violations"] if v["impact"] in ("serious", "critical")]
    assert not [(v["id"], node["html"][:200]) for v in serious for node in v["nodes"]], page.url
    found = page.evaluate(MEASURE)
    assert (found["small"], found["controls"]) == ([], []), page.url
    assert found["width"] <= size[0], page.url


def test_axe_is_the_published_file() -> None:
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == DIGEST


@pytest.mark.parametrize(
    ("size", "dark"),
    [(DESKTOP, False), (TABLET, True), (PHONE, True)],
    ids=["1440 light", "768 dark", "390 dark"],
)
def test_every_view_is_accessible(visit, size, dark):
    page = visit(size=size, dark=dark)
    for view in VIEWS:
        page.evaluate(f"location.hash = '#/{view}'")
        page.wait_for_selector(f"main[data-ready={view}]")
        check_accessibility(page, size)
