"""Switches that turn off one optimization of the engine at a time, for the ablation benchmark.

`HANDGRAD_ABLATE` lists mechanisms to turn off, separated by commas. Results stay correct; only the
speed changes. Users have no reason to set it.
"""

from __future__ import annotations

import os

VARIABLE = "HANDGRAD_ABLATE"

MECHANISMS = {
    "sparse": "the first dense layer skips pixels that are zero",
    "batch-size-one": "a batch of one image runs without lanes",
    "split-work": "workers split the pixels or the batch of a small dense layer",
    "thread-tuner": "the number of threads follows the time that steps take",
    "second-compiler": "a second process compiles kernels",
    "prefetch": "kernels request cache lines before they need them",
    "register-tiles": "kernels keep a tile of sums in registers",
}

# These mechanisms are part of the machine code; the others only change the plan or the runtime.
_IN_MACHINE_CODE = ("prefetch", "register-tiles")


def is_enabled(mechanism: str) -> bool:
    """Return whether a mechanism of `MECHANISMS` is in use."""
    assert mechanism in MECHANISMS, mechanism
    return mechanism not in _disabled()


def code_settings() -> list[str]:
    """Return the switches that change machine code, for the key of the kernel cache."""
    return [f"{VARIABLE}={name}" for name in _IN_MACHINE_CODE if name in _disabled()]


def _disabled() -> set[str]:
    return {name.strip() for name in os.environ.get(VARIABLE, "").split(",")}
