"""Interleaved rounds, A B C A B C: a slow phase of the machine affects every competitor."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from benchmarks.record import Figures, Series
from benchmarks.worker import Skipped

Measurement = Callable[[int], Figures]

PAUSE = 0.3  # seconds between two competitors, in which idle threads fall asleep


def interleave(
    measurements: Mapping[str, Measurement],
    series: Mapping[str, Series],
    rounds: int,
    *,
    warm_up: bool = True,
    pause: float = PAUSE,
) -> dict[str, str]:
    """Run rounds, in each of which every competitor is measured once, and fill in the series.

    Args:
        measurements: the measurement of each competitor, called with the number of the round;
            0 is the warm-up round.
        series: the series that receive the figures.
        rounds: the number of rounds that count.
        warm_up: whether a warm-up round comes first.
        pause: seconds before each measurement.

    Returns:
        The competitors that failed, with the reason. Their series are empty.
    """
    failed: dict[str, str] = {}
    for number in range(0 if warm_up else 1, rounds + 1):
        for name, measure in measurements.items():
            if name in failed:
                continue
            time.sleep(pause)
            try:
                figures = measure(number)
            except Skipped as reason:
                failed[name] = str(reason)
                series[name].rounds.clear()
                log(f"{name} skipped: {reason}")
                continue
            log(f"round {number}: {name} {format_figures(figures)}")
            if number == 0:
                series[name].first = figures
            else:
                series[name].rounds.append(figures)
    return failed


def format_figures(figures: Figures) -> str:
    """Return figures as one line."""
    return ", ".join(f"{name} {value:,.4g}" for name, value in figures.items())


def log(text: str) -> None:
    """Print progress to standard error; results go to standard output."""
    print(text, file=sys.stderr, flush=True)
