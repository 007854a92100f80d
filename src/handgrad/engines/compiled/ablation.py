"""Switches for the ablation benchmark, which turn off the compiled engine's optimizations.

The environment variable `HANDGRAD_ABLATE` lists the optimizations to turn off, separated by commas.
The results of training stay correct; only the speed changes. The variable is useful only for the
benchmark.
"""

from __future__ import annotations

import os

VARIABLE = "HANDGRAD_ABLATE"

MECHANISMS = {
    "sparse": "the first dense layer skips zero pixels",
    "batch-size-one": "a batch of one image runs without the vector layout of 16 images",
    "split-work": "for a small dense layer, workers split the pixels or the batch",
    "thread-tuner": "the number of threads is chosen from measured step times",
    "second-compiler": "a second process compiles kernels",
    "prefetch": "kernels request cache lines before they need them",
    "register-tiles": "kernels accumulate a tile of sums in registers",
}

# These mechanisms are part of the machine code; the others only change the plan or the runtime.
_IN_MACHINE_CODE = ("prefetch", "register-tiles")


def is_enabled(mechanism: str) -> bool:
    """Return whether an optimization listed in `MECHANISMS` is enabled."""
    assert mechanism in MECHANISMS, mechanism
    return mechanism not in _disabled()


def code_settings() -> list[str]:
    """Return the disabled optimizations that change machine code, as part of the cache key."""
    return [f"{VARIABLE}={name}" for name in _IN_MACHINE_CODE if name in _disabled()]


def _disabled() -> set[str]:
    return {name.strip() for name in os.environ.get(VARIABLE, "").split(",")}
