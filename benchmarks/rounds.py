"""Rounds in turn, A B C A B C: whatever slows the machine for a while slows everybody."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from benchmarks.record import Figures, Series
from benchmarks.worker import Skipped

Play = Callable[[int], Figures]

BREATH = 0.3  # seconds between two contestants, in which the threads of the one fall asleep


def interleave(
    plays: Mapping[str, Play],
    series: Mapping[str, Series],
    rounds: int,
    *,
    warm_up: bool = True,
    breath: float = BREATH,
) -> dict[str, str]:
    """Play so many rounds, each contestant once in each, and fill in their series.

    Args:
        plays: what each does in a round, given its number; 0 is the round that warms up.
        series: where the figures go.
        rounds: how many rounds count.
        warm_up: whether there is a round before them.
        breath: seconds of quiet before each play.

    Returns:
        Who fell out on the way, and why. Their series are empty, for they lack rounds.
    """
    out: dict[str, str] = {}
    for number in range(0 if warm_up else 1, rounds + 1):
        for name, play in plays.items():
            if name in out:
                continue
            time.sleep(breath)
            try:
                figures = play(number)
            except Skipped as reason:
                out[name] = str(reason)
                series[name].rounds.clear()
                tell(f"{name} skipped: {reason}")
                continue
            tell(f"round {number}: {name} {line(figures)}")
            if number == 0:
                series[name].first = figures
            else:
                series[name].rounds.append(figures)
    return out


def line(figures: Figures) -> str:
    """Return figures as one line."""
    return ", ".join(f"{name} {value:,.4g}" for name, value in figures.items())


def tell(text: str) -> None:
    """Say how it goes, where it is in nobody's way."""
    print(text, file=sys.stderr, flush=True)
