"""Conversion of a preprocessing with steps of version 1 to the newest steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from handgrad.preprocess.ink import InvertDarkInk
from handgrad.preprocess.lines import RemoveLines
from handgrad.preprocess.preprocessing import NEWEST, VERSIONS, Preprocessing


def upgraded(preprocessing: Preprocessing) -> Preprocessing | None:
    """Return a preprocessing with the newest steps, or None if there is nothing to change.

    Each step is replaced by the newest step of the same name with the same settings. If the
    preprocessing is for drawings, lines around a drawing are removed as well.
    """
    if preprocessing.version == NEWEST:
        return None
    new: list[Any] = []
    olds: Sequence[Any] = preprocessing.steps
    for step in olds:
        kind = VERSIONS[NEWEST][type(step).__name__]
        settings = {f.name: getattr(step, f.name) for f in dataclasses.fields(step)}
        new.append(kind(**settings))
        if kind.__name__ == "SubtractBackground":
            new.append(RemoveLines(2 * preprocessing.shape[1]))
    is_drawing = any(isinstance(step, RemoveLines) for step in new)
    steps = [
        InvertDarkInk(sheet=True) if is_drawing and isinstance(step, InvertDarkInk) else step
        for step in new
    ]
    result = dataclasses.replace(preprocessing, steps=tuple(steps))
    return None if result == preprocessing else result
