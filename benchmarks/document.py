"""Updates the tables of docs/performance.md from the records, and leaves the text unchanged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.ablation import gains
from benchmarks.configs import describe
from benchmarks.record import FOLDER, Record, read
from benchmarks.tables import details, overview
from handgrad.files import replacing

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"

MARKED = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def update(folder: Path, document: Path = DOCUMENT) -> None:
    """Replace the tables between the markers with tables of the newest records.

    The document of this project always contains the records of this project. A record from another
    folder replaces only the record with the same kind and label. A table without records is left
    unchanged.

    Raises:
        SystemExit: if the folder contains no valid record.
    """
    records = newest(folder)
    if not records:
        raise SystemExit(f"no valid record in {folder}; the tables are unchanged")
    if document == DOCUMENT:
        records = newest(FOLDER) | records
    with replacing(document) as temporary:
        temporary.write_text(
            MARKED.sub(partial(_replacement, [*records.values()]), document.read_text())
        )


def _replacement(records: Sequence[Record], found: re.Match[str]) -> str:
    """Return a table between its two markers, updated if there are records of its kind."""
    begin, kind, end = found.groups()
    before = found[0][len(begin) : -len(end)]
    has_records = any(record.kind == kind for record in records)
    if before.strip() and not has_records:
        return found[0]
    return f"{begin}{section(records, kind)}\n{end}"


def newest(folder: Path) -> dict[tuple[str, str], Record]:
    """Return the newest valid record for each combination of a kind and a label."""
    by_name: dict[tuple[str, str], Record] = {}
    for path in sorted(folder.glob("*.json")):  # names end in the date, so the last is the newest
        record = read(path)
        if not record.problems:
            by_name[record.kind, record.label] = record
    return by_name


def section(records: Sequence[Record], kind: str) -> str:
    """Return the tables for one kind of benchmark."""
    own = [record for record in records if record.kind == kind]
    if not own:
        return "No record yet."
    if kind == "ablation":
        return f"{gains(own)}\n\n{source(own[-1])}"
    with_ours = [record for record in own if record.of_role("ours")]
    first = [overview(with_ours)] if with_ours else []
    return "\n\n".join([*first, *(f"{details(r)}\n\n{source(r)}" for r in own)])


def source(record: Record) -> str:
    """Return a line with the command, the date, the machine and the versions of a record."""
    about, machine = record.about, record.about["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    sentence = (
        f"`{about['command']}` on {about['date'][:10]}, {machine['processor']}, "
        f"{machine['cores']} cores, load average before the run {about['load']}; {versions}."
    )
    for framework in ("handgrad", "pytorch"):
        if config := record.setup.get("configs", {}).get(framework):
            sentence += f" {framework} trains with {describe(config)}."
    if record.skipped:
        sentence += f" Not measured: {', '.join(record.skipped)}."
    return sentence
