import re
from pathlib import Path

from tests.readability.outline import PLACES, outline

QUESTIONS = (Path(__file__).parent / "questions.md").read_text()
EXPECTED = re.findall(r"\| `([\w/]+\.py)` \|$", QUESTIONS, re.MULTILINE)


def test_there_are_ten_questions_about_existing_files():
    assert len(EXPECTED) == len(set(EXPECTED)) == 10
    assert set(EXPECTED) <= {path for path, _ in outline(PLACES)}


def test_every_module_says_in_one_line_what_it_contains():
    for path, line in outline(PLACES):
        assert len(line.split()) >= 3, path
        assert line.endswith((".", ":")), path
