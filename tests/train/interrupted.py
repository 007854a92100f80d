"""Helpers that interrupt runs, and compare a resumed run with an uninterrupted one."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.train.run import TrainingRun


def signalled(patch: pytest.MonkeyPatch, step: int, number: int = signal.SIGINT) -> None:
    """Send a signal just before this step, counted from 0; each slice is one step.

    It is sent once, and only after a first step: before that, signals are not deferred.
    """
    ahead = TrainingRun.next_batches

    def spy(self: TrainingRun) -> Any:
        if (
            step in range(self.engine.steps, self.engine.steps + self._steps_per_slice)
            and self.is_warm
        ):
            patch.undo()
            signal.raise_signal(number)
        return ahead(self)

    patch.setattr("handgrad.train.run.SLICE_SECONDS", 0.0)
    patch.setattr(TrainingRun, "next_batches", spy)


def history_of(history: hg.History) -> list[tuple[Any, ...]]:
    """Return the records of a history without the times."""
    return [(*r[:6], r.best) for r in history]


def assert_same(one: tuple[hg.Network, hg.History], other: tuple[hg.Network, hg.History]) -> None:
    """Check that two runs are equal, bit for bit."""
    assert history_of(one[1]) == history_of(other[1])
    assert one[1].stopped_early == other[1].stopped_early
    for name, array in one[0].arrays.items():
        assert np.array_equal(array.view(np.uint8), other[0].arrays[name].view(np.uint8)), name


def run_with_stops(
    fit: Callable[..., tuple[hg.Network, hg.History]], folder: Path, stops: list[int]
) -> tuple[hg.Network, hg.History]:
    """Return a run that was interrupted at these steps, and resumed each time."""
    for step in stops:
        with pytest.MonkeyPatch.context() as patch:
            signalled(patch, step)
            with pytest.raises(KeyboardInterrupt):
                fit(checkpoint=folder, resume=True)
    return fit(checkpoint=folder, resume=True)
