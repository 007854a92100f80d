"""Draws random sentences from docstrings, help texts and messages for a reader to review.

    python -m tests.tools.sample_sentences --seed 0 --count 100 > sentences.md

The reader marks each sentence that does not read as natural English or has to be read twice.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
PLACES = ("src", "conformance", "benchmarks", "examples")
ABBREVIATIONS = re.compile(
    r"\b(e\.g|i\.e|etc|cf|vs)\.$|(?:^|, |\(|: |\b(?:and|from|see) )[A-Z]\.$"  # also initials
)


class Sentence(NamedTuple):
    """A sentence and its position in the sources."""

    text: str
    kind: str
    place: str


def sentences(text: str) -> list[str]:
    """Split prose into sentences; formulas, headings, examples and fragments are left out."""
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        if ">>>" in paragraph or re.match(r" {4,}\S", paragraph):  # an example or a formula
            continue
        items = re.split(
            r"\n\s*(?=[\w*.]+: |- )|^\s*(?:Args|Returns|Raises|Attributes):", paragraph
        )
        for item in items:
            flat = " ".join(item.split())
            flat = re.sub(r"^(?:Args|Returns|Raises|Attributes|Yields):\s*", "", flat)
            for part in re.split(r"(?<=[.!?])\s+(?=[A-Z`{])", flat):
                if found and ABBREVIATIONS.search(found[-1]):
                    found[-1] += f" {part}"
                elif len(re.findall(r"\b[A-Za-z]{2,}\b", part)) >= 4 and " " in part:
                    found.append(part)
    return found


def literals(source: str) -> Iterator[tuple[str, str, int]]:
    """Yield (text, kind, line) of each docstring and each message of a Python source."""
    tree = ast.parse(source)
    docstrings: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            literal = node.body[0]
            assert isinstance(literal, ast.Expr)
            docstrings.add(id(literal.value))
            yield ast.get_docstring(node) or "", "docstring", literal.lineno
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(value) for value in node.values}
            yield ast.unparse(node)[2:-1], "message", node.lineno
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings | inside
        ):
            yield node.value, "message", node.lineno


def collect(root: Path = ROOT) -> list[Sentence]:
    """Return the unique sentences of the sources, in the order of the files."""
    found: dict[str, Sentence] = {}
    for path in sorted(p for place in PLACES for p in (root / place).rglob("*.py")):
        for text, kind, line in literals(path.read_text()):
            for sentence in sentences(text):
                place = f"{path.relative_to(root).as_posix()}:{line}"
                found.setdefault(sentence, Sentence(sentence, kind, place))
    return list(found.values())


def sample(count: int, seed: int) -> list[Sentence]:
    """Draw sentences without replacement; the same seed gives the same ones."""
    everything = collect()
    return random.Random(seed).sample(everything, min(count, len(everything)))


def main() -> None:
    """Print the sentences as a Markdown checklist."""
    parser = argparse.ArgumentParser(description="Draw sentences for a reader to judge.")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    drawn = sample(options.count, options.seed)
    sys.stdout.write(f"{len(drawn)} sentences, seed {options.seed}. Mark the unnatural ones.\n\n")
    for number, sentence in enumerate(drawn, 1):
        where = f"({sentence.kind}, {sentence.place})"
        sys.stdout.write(f"{number:3}. [ ] {sentence.text} {where}\n")


if __name__ == "__main__":
    main()
