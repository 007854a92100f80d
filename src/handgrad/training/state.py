"""Where a run stands between two steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.engines import Steps
from handgrad.layers import Array
from handgrad.training.history import Epoch


class State(NamedTuple):
    """All that the rest of a run depends on.

    The order of the pictures, the masks of dropout and the learning rates are functions of the
    seed, the step and the records: a run that goes on has them again without being told.

    Attributes:
        arrays: the network's arrays by name.
        memory: the optimizer's arrays by name: memory["0.weight"]["velocity"].
        best: the network's arrays after the best epoch so far, or those it came with.
        steps: the number of updates made.
        epoch: what came out of the steps made in the epoch that is not finished yet.
        seconds: how long those took.
        records: one for each finished epoch.
        lowered: how often the learning rate was halved because a number was not finite.
        average: the mean of the arrays on the way; empty where none is wanted.
        averaged: of how many it is the mean.
    """

    arrays: dict[str, Array]
    memory: dict[str, dict[str, Array]]
    best: dict[str, Array]
    steps: int
    epoch: Steps
    seconds: float
    records: list[Epoch]
    lowered: int
    average: dict[str, Array]
    averaged: int


def tensors(state: State) -> dict[str, NDArray[Any]]:
    """Return the arrays of a state under names of their own."""
    named = {f"arrays/{name}": array for name, array in state.arrays.items()}
    named |= {f"best/{name}": array for name, array in state.best.items()}
    named |= {f"average/{name}": array for name, array in state.average.items()}
    for name, kinds in state.memory.items():
        named |= {f"memory/{kind}/{name}": array for kind, array in kinds.items()}
    return named | {"epoch/losses": state.epoch.losses, "epoch/right": state.epoch.right}


def numbers(state: State) -> dict[str, Any]:
    """Return the rest of a state, as JSON can hold it."""
    return {
        "steps": state.steps,
        "seconds": state.seconds,
        "records": [list(record) for record in state.records],
        "lowered": state.lowered,
        "averaged": state.averaged,
    }


def state_of(named: Mapping[str, NDArray[Any]], rest: Mapping[str, Any]) -> State:
    """Return the state that `tensors` and `numbers` took apart."""
    kinds = ("arrays", "best", "memory", "epoch", "average")
    parts: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
    for name, array in named.items():
        part, _, own = name.partition("/")
        if part == "memory":
            kind, _, own = own.partition("/")
            parts[part].setdefault(own, {})[kind] = array
        else:
            parts[part][own] = array
    return State(
        arrays=parts["arrays"],
        memory=parts["memory"],
        best=parts["best"],
        steps=int(rest["steps"]),
        epoch=Steps(
            parts["epoch"]["losses"].astype(np.float64), parts["epoch"]["right"].astype(np.int64)
        ),
        seconds=float(rest["seconds"]),
        records=[Epoch(*record) for record in rest["records"]],
        lowered=int(rest["lowered"]),
        average=parts["average"],
        averaged=int(rest.get("averaged", 0)),  # before there was an average, there was none
    )
