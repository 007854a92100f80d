from __future__ import annotations

from tests.train.keywords_source import FILE, source


def test_the_keywords_module_is_up_to_date() -> None:
    assert FILE.read_text("utf-8") == source(), "run python -m tests.train.keywords_source"
