"""Records as tables, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.record import Record, Series

UNITS = {
    "pictures_per_second": "pictures/s",
    "microseconds": "µs for one picture",
    "wall": "seconds",
    "first wall": "seconds, first use",
    "import": "import, s",
    "last epoch": "last epoch, s",
}

BESIDE_THE_GOALS = {"start": ("import", "last epoch"), "accuracy": ("accuracy",)}


def overview(records: Sequence[Record]) -> str:
    """Return one line for each record and goal: ours, the best peer, PyTorch, and the ratios."""
    head = ["", "", "handgrad", "best peer", "PyTorch eager", "to best peer", "to PyTorch"]
    lines = [
        _overview_line(record, figure)
        for record in records
        for figure in record.goals
        if record.of_role("ours")
    ]
    return markdown([head, *lines])


def details(record: Record) -> str:
    """Return one line for each contestant, with the slowest and the fastest round."""
    there = _best_first(record)
    beside = BESIDE_THE_GOALS.get(record.kind, ())
    figures = [*record.goals, *(f for f in beside if all(f in s.rounds[0] for s in there))]
    titles = [_unit(figure) for figure in figures]
    head = [record.label, *(cell for title in titles for cell in (title, "from", "to"))]
    lines = [
        [series.title, *(cell for figure in figures for cell in _spread(series, figure))]
        for series in there
    ]
    if any("seconds" in series.first for series in record.series.values()):
        head.append("first round, s")
        for series, line in zip(there, lines, strict=True):
            line.append(f"{series.first['seconds']:.2f}")
    if work := record.subject.get("flops_per_picture"):
        head.append("GFLOP/s")
        for series, line in zip(there, lines, strict=True):
            line.append(number(series.median("pictures_per_second") * work / 1e9))
    return markdown([head, *lines])


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return a table; the first line is its head, and numbers stand to the right."""
    rule = ["---", *("---:" for _ in lines[0][1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:]))


def number(value: float) -> str:
    """Return a number with three digits that count, or all of those before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _overview_line(record: Record, figure: str) -> list[str]:
    ours = record.best(figure, "ours")
    peer = record.best(figure, "peer")
    assert ours is not None
    ratios = record.ratios()[figure][ours]
    pytorch = record.series.get("pytorch")
    return [
        _what(record),
        _unit(figure),
        _cell(record.series[ours], figure, ours),
        "" if peer is None else _cell(record.series[peer], figure, record.series[peer].title),
        "" if pytorch is None or not pytorch.rounds else number(pytorch.median(figure)),
        *(
            f"**{ratios[key]:.2f}**" if key in ratios else ""
            for key in ("to best peer", "to PyTorch")
        ),
    ]


def _what(record: Record) -> str:
    batch = record.subject.get("batch")
    return record.label if batch is None else f"{record.label}, batch {batch}"


def _cell(series: Series, figure: str, name: str) -> str:
    return f"{number(series.median(figure))} ({name})"


def _spread(series: Series, figure: str) -> Iterable[str]:
    values = [figures[figure] for figures in series.rounds]
    return number(series.median(figure)), number(min(values)), number(max(values))


def _unit(figure: str) -> str:
    return UNITS.get(figure, figure)


def _best_first(record: Record) -> list[Series]:
    figure, better = next(iter(record.goals.items()))
    there = [series for series in record.series.values() if series.rounds]
    return sorted(there, key=lambda s: s.median(figure), reverse=better == "high")
