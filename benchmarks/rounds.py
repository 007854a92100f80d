"""Measures in interleaved rounds (A B C A B C), so a slow phase affects all competitors."""

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
    """Measure every competitor once per round, and append the results to its series.

    Args:
        measurements: for each competitor, a function that measures it; the function's argument is
            the number of the round, which is 0 for the warm-up round.
        series: for each competitor, the series to which its figures are appended.
        rounds: the number of measured rounds, not counting the warm-up.
        warm_up: whether to run a warm-up round first.
        pause: the number of seconds to wait before each measurement.

    Returns:
        A mapping from the name of each competitor that failed to the reason. The series of these
        competitors are empty.
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
    """Format figures as one line of text."""
    return ", ".join(f"{name} {value:,.4g}" for name, value in figures.items())


def log(text: str) -> None:
    """Print a progress message to standard error, because results go to standard output."""
    print(text, file=sys.stderr, flush=True)
