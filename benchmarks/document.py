"""docs/performance.md: prose by hand, and tables made from the records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.recipes import in_words
from benchmarks.record import FOLDER, Record, read
from benchmarks.tables import details, overview
from handgrad.files import replacing

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"

MARKED = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renew(folder: Path, document: Path = DOCUMENT) -> None:
    """Put the tables of the newest records between the document's marks.

    The project's own document keeps what the folder has no record of: the project's own records
    stand beside those of another folder. In any document, a table without records stays.

    Raises:
        SystemExit: where no record in the folder counts.
    """
    found = newest(folder)
    if not found:
        raise SystemExit(f"no record in {folder} counts; the tables stay as they are")
    own = newest(FOLDER) if document == DOCUMENT else {}
    records = [*(own | found).values()]
    with replacing(document) as temporary:
        temporary.write_text(MARKED.sub(partial(_renewed, records), document.read_text()))


def _renewed(records: Sequence[Record], found: re.Match[str]) -> str:
    """Return a table with its marks, made anew where there are records of its kind."""
    begin, kind, end = found.groups()
    before = found[0][len(begin) : -len(end)]
    has_records = any(record.kind == kind for record in records)
    if before.strip() and not has_records:
        return found[0]
    return f"{begin}{section(records, kind)}\n{end}"


def newest(folder: Path) -> dict[tuple[str, str], Record]:
    """Return the newest record that counts, for each kind and label."""
    by_name: dict[tuple[str, str], Record] = {}
    for path in sorted(folder.glob("*.json")):  # the date ends the name: the last is the newest
        record = read(path)
        if not record.troubles:
            by_name[record.kind, record.label] = record
    return by_name


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
