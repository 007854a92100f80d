"""docs/performance.md: prose by hand, and tables made from the records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.recipes import in_words
from benchmarks.record import Record, read
from benchmarks.tables import details, overview

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"

MARKED = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renew(folder: Path, document: Path = DOCUMENT) -> None:
    """Put the tables of the newest records between the document's marks."""
    records = newest(folder)
    text = MARKED.sub(
        lambda found: f"{found[1]}{section(records, found[2])}\n{found[3]}",
        document.read_text(),
    )
    document.write_text(text)


def newest(folder: Path) -> list[Record]:
    """Return the newest record of each kind and label that counts."""
    by_name = {}
    for path in sorted(folder.glob("*.json")):  # the date ends the name: the last is the newest
        record = read(path)
        if not record.troubles:
            by_name[record.kind, record.label] = record
    return list(by_name.values())


def section(records: Sequence[Record], kind: str) -> str:
    """Return what stands between the marks of a kind."""
    own = [record for record in records if record.kind == kind]
    if not own:
        return "No record yet."
    beside_others = [record for record in own if record.of_role("ours")]
    first = [overview(beside_others)] if beside_others else []
    return "\n\n".join([*first, *(f"{details(r)}\n\n{source(r)}" for r in own)])


def source(record: Record) -> str:
    """Return one sentence on where the figures come from."""
    about, machine = record.about, record.about["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    sentence = (
        f"`{about['command']}` on {about['date'][:10]}, {machine['processor']}, "
        f"{machine['cores']} cores, load before it {about['load']}; {versions}."
    )
    for framework in ("handgrad", "pytorch"):
        if recipe := record.subject.get("recipes", {}).get(framework):
            sentence += f" The recipe of {framework}: {in_words(recipe)}."
    if record.skipped:
        sentence += f" Could not take part: {', '.join(record.skipped)}."
    return sentence
