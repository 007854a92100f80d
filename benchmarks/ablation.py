"""Ablation: measures how much each optimization (mechanism) of the compiled engine gains.

Every row of the table is measured in interleaved rounds: with all mechanisms, and with each
mechanism that can affect the row turned off. The gain of a mechanism is the speed with the
mechanism divided by the speed without it, minus one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import configs, predict, tasks
from benchmarks.cold.measure import compile_cold
from benchmarks.cold.run import PROGRAMS
from benchmarks.peers import Competitor
from benchmarks.peers.ours import Handgrad
from benchmarks.record import Better, Figures, Record, Series
from benchmarks.rounds import Measurement, interleave
from benchmarks.tables import markdown
from benchmarks.tasks import ONLINE, TRAINING, Task, Workload
from benchmarks.train import one_epoch, workers
from handgrad.engines.compiled.ablation import MECHANISMS, VARIABLE

ALL = "all mechanisms"
FILE = "ablation.md"

_TRAINING = ("sparse", "split-work", "thread-tuner", "prefetch", "register-tiles")
_PREDICTING = ("sparse", "thread-tuner", "prefetch", "register-tiles")


@dataclass(frozen=True)
class Row:
    """A row of the ablation table.

    Attributes:
        name: the name of the row, such as "train-convnet".
        figure: the name of the measured figure that is compared.
        better: "high" if higher values of the figure are better, or "low" if lower values are
            better.
        mechanisms: the mechanisms that can affect the row.
        task: the network, if the row measures training or prediction; otherwise None.
        config: the configuration, if the row measures a whole program or the compilation; otherwise
            None.
    """

    name: str
    figure: str
    better: Better
    mechanisms: tuple[str, ...]
    task: Task | None = None
    config: configs.ProgramConfig | None = None


def rows() -> dict[str, Row]:
    """Return the rows of docs/performance.md that depend on the compiled engine.

    The scale and checkpoint benchmarks have no rows, because they train `online-mlp` and
    `convnet`, which already have rows.
    """
    found = [
        *(_train(task) for task in TRAINING.values()),
        *(_train(replace(TRAINING[name], noise=True)) for name in tasks.WITH_NOISE),
        Row("online", "images_per_second", "high", (*_TRAINING, "batch-size-one"), ONLINE),
        *(
            Row(f"predict-{name}", "images_per_second", "high", _PREDICTING, TRAINING[name])
            for name in ("softmax-regression", "two-layer")
        ),
        *(
            Row(f"compile-{name}", "compile", "low", ("second-compiler",), config=config)
            for name, config in configs.SHORT.items()
        ),
        *(
            Row(f"accuracy-{name}", "wall", "low", _TRAINING, config=target["handgrad"])
            for name, target in configs.TARGETS.items()
        ),
    ]
    return {row.name: row for row in found}


def _train(task: Task) -> Row:
    has_zeros = task.network in tasks.DENSE and not task.noise
    mechanisms = tuple(name for name in _TRAINING if name != "sparse" or has_zeros)
    return Row(f"train-{task.label}", "images_per_second", "high", mechanisms, task)


def measure(
    chosen: Sequence[Row], only: Sequence[str], rounds: int, threads: int, images: int | None = None
) -> Iterator[Record]:
    """Measure rows of the ablation table, and yield one record per row.

    Args:
        chosen: the rows to measure.
        only: the mechanisms to turn off; if empty, all of them.
        rounds: the number of measured rounds, not counting the warm-up.
        threads: the number of cores to use, and of threads.
        images: the number of training images per round, or None for the number set by the task.
    """
    for row in chosen:
        mechanisms = [name for name in row.mechanisms if not only or name in only]
        if not mechanisms:
            continue
        if row.task is not None and images is not None:
            row = replace(row, task=replace(row.task, images=images))
        setup = {"row": row.name, "threads": threads}
        record = Record("ablation", row.name, setup, {row.figure: row.better})
        record.baseline = ALL
        if row.task is not None:
            _measure_in_workers(record, row, row.task, mechanisms, rounds)
        else:
            _measure_programs(record, row, mechanisms, rounds)
        yield record


class Ablated(Handgrad):
    """The compiled engine without one mechanism."""

    def __init__(self, work: Workload, mechanism: str) -> None:
        os.environ[VARIABLE] = mechanism  # the process holds this competitor alone
        super().__init__(work, "compiled")


def _measure_in_workers(
    record: Record, row: Row, task: Task, mechanisms: Sequence[str], rounds: int
) -> None:
    """Measure training or prediction; each variant runs in its own process."""
    competitors = {
        name or ALL: Competitor(
            f"without {name}" if name else ALL, "case", "benchmarks.ablation:Ablated", (name,)
        )
        for name in ("", *mechanisms)
    }
    function = predict.one_round if row.name.startswith("predict") else one_epoch
    with workers(competitors, task, record) as found:
        measurements = {name: partial(worker.call, function) for name, worker in found.items()}
        record.skipped |= interleave(measurements, record.series, rounds)


def _measure_programs(record: Record, row: Row, mechanisms: Sequence[str], rounds: int) -> None:
    """Measure compilation or whole programs; each variant has its own environment."""
    measurements: dict[str, Measurement] = {}
    for name in ("", *mechanisms):
        record.series[name or ALL] = Series(f"without {name}" if name else ALL, "case")
        measurements[name or ALL] = partial(_run_program, row, name)
    warm_up = row.figure != "compile"
    record.skipped = interleave(measurements, record.series, rounds, warm_up=warm_up)


def _run_program(row: Row, mechanism: str, number: int) -> Figures:
    """Run a program once with a mechanism turned off."""
    assert row.config is not None
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = mechanism
    try:
        if row.figure == "compile":
            return compile_cold(row.config, number)
        return PROGRAMS["compiled"].run(row.config, number)
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before


def gains(records: Sequence[Record]) -> str:
    """Return a table with one line per row and one column per mechanism.

    Each cell contains the median gain over the rounds, and the smallest and largest gain.
    """
    head = ["", *MECHANISMS]
    lines = [
        [record.setup["row"], *(_gain(record, mechanism) for mechanism in MECHANISMS)]
        for record in records
    ]
    return markdown([head, *lines])


def _gain(record: Record, mechanism: str) -> str:
    """Return a mechanism's gain in percent, or an empty string if it was not measured."""
    if any(name not in record.of_role("case") for name in (ALL, mechanism)):
        return ""
    (figure,) = record.goals
    percent = [100 * (r - 1) for r in record.round_ratios(figure, ALL, mechanism)]
    return f"{median(percent):+.0f} % ({min(percent):+.0f} to {max(percent):+.0f})"


def legend() -> str:
    """Return a Markdown list that describes each mechanism."""
    return "\n".join(f"- {name}: {sentence}." for name, sentence in MECHANISMS.items())


def write(records: Sequence[Record], folder: Path) -> Path:
    """Write the table of the records to a Markdown file, and return its path."""
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{gains(records)}\n\n{legend()}\n")
    return path
