"""The ways to run a program for some steps; Ctrl-C waits for the end of a step in each."""

from __future__ import annotations

import time

from handgrad.engines.compiled.runtime.program import Program
from handgrad.engines.compiled.runtime.thread_pool import unbroken
from handgrad.engines.compiled.runtime.thread_tuner import Pace


def in_slices(program: Program, count: int, pace: Pace) -> bool:
    """Run steps by as many workers as are fastest at the moment; say whether all went well."""
    left, well = count, True

    def one_slice() -> bool:
        nonlocal left, well
        workers = pace.choose()
        steps = min(left, pace.steps(workers))
        started = time.perf_counter()
        well = program.run(steps, workers)
        if well:
            pace.note(workers, steps, time.perf_counter() - started)
            left -= steps
        return well and left > 0

    unbroken(one_slice)
    return well


def step_by_step(program: Program, count: int, seed: int) -> bool:
    """Run steps in which Python has a part: each is made, or never begun."""
    left, well = count, True

    def one_step() -> bool:
        nonlocal left, well
        well = program.step(seed)
        left -= 1
        return well and left > 0

    unbroken(one_step)
    return well
