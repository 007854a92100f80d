"""The documentation site builds without a network and without a warning."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from handgrad.cli.exit_codes import EXIT_CODES

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.glob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site; every warning is an error."""
    for module in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(module, reason="pip install 'handgrad[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    for page in PAGES:
        assert (site / page.replace(".md", ".html")).exists(), page


def test_pages_load_nothing_from_the_network(site: Path) -> None:
    for path in site.glob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=\"(https?://[^\"]+)", path.read_text()
        )
        assert loaded == [], path.name


def test_the_glossary_explains_each_term_in_at_most_four_sentences() -> None:
    text = (DOCS / "glossary.md").read_text()
    entries = re.findall(r"^(\w[^\n]*)\n((?:  [^\n]*\n)+)", text, re.MULTILINE)
    terms = {term for term, _ in entries}
    assert {"dX", "cotangent", "im2col", "col2im", "logits", "softmax", "barrier"} <= terms
    for term, body in entries:
        assert 1 <= len(re.findall(r"[.:](?=\s|$)", body)) <= 5, term


def test_the_table_of_exit_codes_is_complete() -> None:
    page = (DOCS / "exit_codes.md").read_text()
    table = dict(re.findall(r"^\| (\d+) \| ([^|]+) \|$", page, re.MULTILINE))
    assert table == {str(code): meaning for code, meaning in EXIT_CODES.items()}


def test_the_first_example_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    exec(block, {})
