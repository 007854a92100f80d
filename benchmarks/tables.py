"""Formats records as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.record import Record, Series

UNITS = {
    "images_per_second": "images/s",
    "microseconds": "µs for one image",
    "nanoseconds": "ns per image",
    "wall": "seconds",
    "first wall": "seconds, first use",
    "import": "import, s",
    "load": "load, s",
    "train": "train, s",
    "evaluate": "evaluate, s",
    "compile": "seconds to compile",
    "last epoch": "last epoch, s",
}

RATIOS = "advantage over best peer (×)", "advantage over PyTorch (×)"  # titles in the overview
STAGES = "import", "load", "train", "evaluate"
EXTRA_COLUMNS = {"start": (*STAGES, "last epoch"), "accuracy": ("accuracy", *STAGES)}

Column = tuple[str, Callable[[str], str]]  # a title, and the cell of a competitor by name


def overview(records: Sequence[Record]) -> str:
    """Return a table that compares handgrad with the best peer and PyTorch in each figure."""
    head = ["", "", "handgrad", "best peer", "PyTorch eager", *RATIOS]
    lines = [
        _overview_line(record, figure)
        for record in records
        for figure in record.goals
        if record.of_role("ours")
    ]
    return markdown([head, *lines])


def details(record: Record) -> str:
    """Return a table with one line per competitor, starting with the best one."""
    names = _best_first(record)
    columns = [
        *(column for figure in record.goals for column in _of_goal(record, figure)),
        *_extra(record, names),
        *_warm_up(record),
        *_arithmetic(record),
        *_relative_to_baseline(record),
    ]
    head = [record.label, *(title for title, _ in columns)]
    lines = [[record.series[name].title, *(cell(name) for _, cell in columns)] for name in names]
    return markdown([head, *lines])


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with the first line as its header and right-aligned numbers."""
    rule = ["---", *("---:" for _ in lines[0][1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:]))


def number(value: float) -> str:
    """Format a number with three significant digits, or as an integer if it is 100 or more."""
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
    batch = record.setup.get("batch")
    return record.label if batch is None else f"{record.label}, batch {batch}"


def _cell(series: Series, figure: str, name: str) -> str:
    return f"{number(series.median(figure))} ({name})"


def _of_goal(record: Record, figure: str) -> list[Column]:
    """Return the columns of a figure: median, minimum, maximum, and the advantage of handgrad."""

    def values(name: str) -> list[float]:
        return [figures[figure] for figures in record.series[name].rounds]

    columns: list[Column] = [
        (_unit(figure), lambda name: number(record.series[name].median(figure))),
        ("min", lambda name: number(min(values(name)))),
        ("max", lambda name: number(max(values(name)))),
    ]
    ours, peers = record.best(figure, "ours"), record.of_role("peer")
    if ours is not None and peers:

        def speedup(name: str) -> str:
            return f"{record.times_better(figure, ours, name):.2f}" if name in peers else ""

        columns.append(("handgrad's advantage (×)", speedup))
    return columns


def _extra(record: Record, names: Sequence[str]) -> list[Column]:
    """Return columns with the medians of additional figures."""

    def column(figure: str) -> Column:
        form = "{:.2%}".format if figure == "accuracy" else number
        return _unit(figure), lambda name: form(record.series[name].median(figure))

    figures = EXTRA_COLUMNS.get(record.kind, ())
    return [column(f) for f in figures if all(f in record.series[n].rounds[0] for n in names)]


def _warm_up(record: Record) -> list[Column]:
    """Return a column with the time of the warm-up round, if this time is known."""
    if not any("seconds" in series.first for series in record.series.values()):
        return []
    return [("warm-up, s", lambda name: f"{record.series[name].first['seconds']:.2f}")]


def _arithmetic(record: Record) -> list[Column]:
    """Return a column with the GFLOP/s if the number of operations per image is known."""
    if not (work := record.setup.get("flops_per_image")):
        return []

    def rate(name: str) -> str:
        return number(record.series[name].median("images_per_second") * work / 1e9)

    return [("GFLOP/s", rate)]


def _relative_to_baseline(record: Record) -> list[Column]:
    """Return a column that compares each competitor with the baseline, if there is one."""
    baseline, figure = record.baseline, next(iter(record.goals))
    if baseline is None:
        return []

    def relative(name: str) -> str:
        return f"{record.times_better(figure, name, baseline):.0%}"

    return [(f'relative to "{record.series[baseline].title}"', relative)]


def _unit(figure: str) -> str:
    return UNITS.get(figure, figure)


def _best_first(record: Record) -> list[str]:
    figure, better = next(iter(record.goals.items()))
    names = [name for name, series in record.series.items() if series.rounds]
    return sorted(
        names, key=lambda name: record.series[name].median(figure), reverse=better == "high"
    )
