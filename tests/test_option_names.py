"""Every option that is mentioned in a message, a help text or a page exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from handgrad.cli.app import app
from tests.test_language import prose

ROOT = Path(__file__).parent.parent
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]")
# Options of other programs that pages and messages name.
OTHERS = {
    *("--constraint", "--keep-going", "--hypothesis-seed", "--upgrade", "--extra-index-url"),
}


def options(command: Any) -> Iterator[str]:
    """Yield the options of a command and of its subcommands."""
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    for inner in getattr(command, "commands", {}).values():
        yield from options(inner)


def defined() -> set[str]:
    """Return the options of `handgrad` and of the programs in benchmarks/ and conformance/."""
    found = {*options(typer.main.get_command(app)), "--help"}
    for place in ("benchmarks", "conformance", "tests/tools", "src/handgrad"):
        for path in (ROOT / place).rglob("*.py"):
            for line in re.findall(r"add_argument\(([^)]*)", path.read_text()):
                found |= set(OPTION.findall(line))
    for path in (ROOT / "benchmarks").glob("*.py"):  # there, options are the keys of a table
        found |= {f"--{name}" for name in re.findall(r'"([a-z-]+)": ', path.read_text())}
    return found


def unknown(path: str, text: str, known: set[str]) -> Iterator[str]:
    """Yield each option in the strings of a Python file, or in a page, that does not exist."""
    if path.endswith(".py"):
        lines = [
            (piece.lines[number], line)
            for piece in prose(text)
            for number, line in enumerate(piece.content.split("\n"))
        ]
    else:
        lines = list(enumerate(text.splitlines(), 1))
    for number, line in lines:
        for name in OPTION.findall(line):
            if name not in known:
                yield f"{path}:{number}: there is no option {name}"


def test_every_option_that_is_named_exists() -> None:
    known = defined() | OTHERS
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    pages += [p for p in (ROOT / "docs").glob("*.md") if p.name != "upgrading.md"]
    sources = [*(ROOT / "src").rglob("*.py"), *pages]
    wrong = [
        line
        for path in sorted(sources)
        for line in unknown(path.relative_to(ROOT).as_posix(), path.read_text(), known)
    ]
    assert wrong == []


def test_a_mistyped_option_is_found() -> None:
    known = {"--lr"}
    assert list(unknown("a.py", 'x = 1\nraise E("give --rl 0.1, not --lr")', known)) == [
        "a.py:2: there is no option --rl"
    ]
    assert list(unknown("a.md", "`--lr`\n`--rate`", known)) == ["a.md:2: there is no option --rate"]
