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
    assert not [(v["id"], node["html"][:200]) for v in serious for node in v["nodes"]]
    found = page.evaluate(MEASURE)
    assert (found["small"], found["controls"]) == ([], [])
    assert found["width"] <= size[0]


def test_axe_is_the_published_file() -> None:
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == DIGEST


@pytest.mark.parametrize(
    ("size", "dark"), [(DESKTOP, False), (PHONE, True)], ids=["desktop light", "phone dark"]
)
def test_axe_finds_nothing_serious(visit, size, dark):
    page = visit(size=size, dark=dark)
    script = AXE.read_text()
    found = []
    for view in VIEWS:
        page.evaluate(f"location.hash = '#/{view}'")
        page.wait_for_selector(f"main[data-ready={view}]")
        page.evaluate(script)
        results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [
            f"{view}: {v['id']} ({v['impact']}): {node['html'][:120]}"
            for v in results["violations"]
            if v["impact"] in ("serious", "critical")
            for node in v["nodes"]
        ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE], ids=["1440", "768", "390"])
def test_texts_and_controls_are_large_enough(visit, size):
    page = visit(size=size)
    for view in VIEWS:
        page.evaluate(f"location.hash = '#/{view}'")
        page.wait_for_selector(f"main[data-ready={view}]")
        found = page.evaluate(MEASURE)
        assert not found["small"], (view, found["small"])
        assert not found["controls"], (view, found["controls"])
        assert found["width"] <= size[0], (view, found["width"])
