"""Records as tables, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.record import Record, Series

UNITS = {
    "images_per_second": "images/s",
    "microseconds": "µs for one image",
    "nanoseconds": "ns an image",
    "wall": "seconds",
    "first wall": "seconds, first use",
    "import": "import, s",
    "load": "load, s",
    "train": "train, s",
    "evaluate": "evaluate, s",
    "compile": "seconds to compile",
    "last epoch": "last epoch, s",
}

PARTS = "import", "load", "train", "evaluate"
BESIDE_THE_GOALS = {"start": (*PARTS, "last epoch"), "accuracy": ("accuracy", *PARTS)}

Column = tuple[str, Callable[[str], str]]  # a title, and a contestant's cell given its name


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
    """Return one line for each contestant, best first."""
    there = _best_first(record)
    columns = [
        *(column for figure in record.goals for column in _of_goal(record, figure)),
        *_beside(record, there),
        *_first_round(record),
        *_arithmetic(record),
        *_of_yardstick(record),
    ]
    head = [record.label, *(title for title, _ in columns)]
    lines = [[record.series[name].title, *(cell(name) for _, cell in columns)] for name in there]
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


def _of_goal(record: Record, figure: str) -> list[Column]:
    """Return the columns of a goal: median, extremes, and how far we are ahead of the peers."""

    def values(name: str) -> list[float]:
        return [figures[figure] for figures in record.series[name].rounds]

    columns: list[Column] = [
        (_unit(figure), lambda name: number(record.series[name].median(figure))),
        ("from", lambda name: number(min(values(name)))),
        ("to", lambda name: number(max(values(name)))),
    ]
    ours, peers = record.best(figure, "ours"), record.of_role("peer")
    if ours is not None and peers:

        def ahead(name: str) -> str:
            return f"{record.times_better(figure, ours, name):.2f}" if name in peers else ""

        columns.append(("handgrad ahead, times", ahead))
    return columns


def _beside(record: Record, there: Sequence[str]) -> list[Column]:
    """Return the medians of what is worth knowing beside the goals."""

    def column(figure: str) -> Column:
        form = "{:.2%}".format if figure == "accuracy" else number
        return _unit(figure), lambda name: form(record.series[name].median(figure))

    wanted = BESIDE_THE_GOALS.get(record.kind, ())
    return [column(f) for f in wanted if all(f in record.series[name].rounds[0] for name in there)]


def _first_round(record: Record) -> list[Column]:
    """Return how long the round took in which things were compiled, where it is known."""
    if not any("seconds" in series.first for series in record.series.values()):
        return []
    return [("first round, s", lambda name: f"{record.series[name].first['seconds']:.2f}")]


def _arithmetic(record: Record) -> list[Column]:
    """Return the rate of arithmetic, where an image's is known."""
    if not (work := record.subject.get("flops_per_image")):
        return []

    def lr(name: str) -> str:
        return number(record.series[name].median("images_per_second") * work / 1e9)

    return [("GFLOP/s", lr)]


def _of_yardstick(record: Record) -> list[Column]:
    """Return everybody's share of the yardstick's first goal, where there is one."""
    yardstick, figure = record.yardstick, next(iter(record.goals))
    if yardstick is None:
        return []

    def share(name: str) -> str:
        return f"{record.times_better(figure, name, yardstick):.0%}"

    return [(f"of {record.series[yardstick].title}", share)]


def _unit(figure: str) -> str:
    return UNITS.get(figure, figure)


def _best_first(record: Record) -> list[str]:
    figure, better = next(iter(record.goals.items()))
    there = [name for name, series in record.series.items() if series.rounds]
    return sorted(
        there, key=lambda name: record.series[name].median(figure), reverse=better == "high"
    )
