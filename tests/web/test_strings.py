"""The texts of the page: each one exists in both languages, is used, and has the same values."""

import re
from pathlib import Path

import handgrad

PAGE = Path(handgrad.__file__).parent / "web" / "page"
ENTRY = re.compile(r'^  "([\w.-]+)": \[("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*")\],$')


def entries() -> dict[str, tuple[str, str]]:
    """Return the English and the German text of each key, and check the form of each line."""
    source = (PAGE / "strings.js").read_text(encoding="utf-8")
    block = source.split("const STRINGS = {\n")[1].split("\n};")[0]
    found = {}
    for line in block.splitlines():
        match = ENTRY.match(line)
        assert match, f"not one entry with two texts: {line}"
        assert match[1] not in found, f"{match[1]} stands there twice"
        found[match[1]] = (match[2], match[3])
    return found


def sources() -> str:
    """Return the source of all modules but the strings themselves."""
    modules = sorted(PAGE.rglob("*.js"))
    return "\n".join(p.read_text(encoding="utf-8") for p in modules if p.name != "strings.js")


def test_every_key_that_the_page_uses_exists():
    used = set(re.findall(r'\bt\(\s*"([\w.-]+)"', sources()))
    assert used
    assert used <= entries().keys(), sorted(used - entries().keys())


def test_every_text_is_used():
    source = sources()
    built = tuple(re.findall(r"\bt\(\s*`([\w.-]+\.)\$\{", source))  # t(`view.${name}`)
    unused = [k for k in entries() if f'"{k}"' not in source and not k.startswith(built)]
    assert not unused


def test_both_languages_have_the_same_values():
    for key, texts in entries().items():
        english, german = (sorted(set(re.findall(r"\{(\w+)\}", text))) for text in texts)
        assert english == german, key


def test_no_text_is_written_outside_of_the_strings():
    """A text in quotes with two words, as an argument of `h`, would be in one language only."""
    found = re.findall(r'\bh\("\w+", \{[^}]*\}, "[A-Z]\w* \w+[^"]*"', sources())
    assert not found
