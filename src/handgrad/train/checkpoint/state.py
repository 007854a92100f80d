"""Where a run stands between two steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.engines import StepResults
from handgrad.errors import ConfigError, ModelError
from handgrad.layers import Array
from handgrad.params import check_same_structure
from handgrad.train.history import Epoch

LOWERINGS = 3  # how often the learning rate is halved, at most
_PARTS = ("arrays", "best", "memory", "epoch", "average")
_MOST = 1 << 53  # what a number in JSON can count up to


class State(NamedTuple):
    """All that the rest of a run depends on.

    The order of the images, the masks of dropout and the learning rates are functions of the
    seed, the step and the records: a run that goes on has them again without being told.

    Attributes:
        arrays: the network's arrays by name.
        optimizer_state: the optimizer's arrays by name: optimizer_state["0.weight"]["velocity"].
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
    optimizer_state: dict[str, dict[str, Array]]
    best: dict[str, Array]
    steps: int
    epoch: StepResults
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
    for name, kinds in state.optimizer_state.items():
        named |= {f"memory/{kind}/{name}": array for kind, array in kinds.items()}
    return named | {"epoch/losses": state.epoch.losses, "epoch/right": state.epoch.correct}


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
    """Return the state that `tensors` and `numbers` took apart, and somebody may have edited.

    Raises:
        ValueError: if no run can stand there. Whether this run can, `check_fits` says.
        LookupError: if something is missing.
        TypeError: if it is no description at all.
    """
    parts: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
    for name, array in named.items():
        part, _, own = name.partition("/")
        if part not in parts:
            raise ValueError(f"there is no place for an array {name}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds a number that is not finite")
        if part == "memory":
            kind, _, own = own.partition("/")
            parts[part].setdefault(own, {})[kind] = array
        else:
            parts[part][own] = array
    records = rest["records"]
    if not isinstance(records, list):
        raise ValueError(f"records is {records!r:.40}, and must be a list")
    return State(
        arrays=parts["arrays"],
        optimizer_state=parts["memory"],
        best=parts["best"],
        steps=_whole(rest, "steps"),
        epoch=(epoch := _steps(parts["epoch"])),
        seconds=_seconds(rest, epoch),
        records=[_record(number, told) for number, told in enumerate(records, 1)],
        lowered=_whole(rest, "lowered", LOWERINGS),
        average=parts["average"],
        averaged=_whole({"averaged": 0, **rest}, "averaged"),  # it is younger than the others
    )


def check_fits(
    state: State,
    arrays: Mapping[str, Array],
    optimizer_state: Mapping[str, Mapping[str, Array]],
    steps: int,
) -> None:
    """Check that a state is one of this network, this optimizer and this many images.

    Args:
        state: the state.
        arrays: the network's arrays.
        optimizer_state: the optimizer's, as an engine keeps them.
        steps: how many make an epoch.

    Raises:
        ConfigError: if it is that of an optimizer which remembers something else.
        ModelError: if something has another shape, or is too much or too little.
    """
    was, now = (
        ", ".join(sorted({kind for kinds in of.values() for kind in kinds})) or "nothing"
        for of in (state.optimizer_state, optimizer_state)
    )
    _check_same(arrays, state.arrays)
    if was != now:
        raise ConfigError(
            f"the run was begun with an optimizer that remembers {was}, this one remembers {now}; "
            "go on with the same optimizer"
        )
    _check_same(_flat(optimizer_state), _flat(state.optimizer_state))
    _check_same(arrays, state.best, "best/")
    if state.averaged or state.average:
        _check_same(arrays, state.average, "average/")
    made, epochs = len(state.epoch.losses), len(state.records)
    if made > steps or state.steps != epochs * steps + made:
        raise ModelError(
            f"it counts {state.steps:,} steps, and {epochs:,} epochs of {steps:,} and {made:,} "
            "more; begin the run anew"
        )


def _check_same(own: Mapping[str, Array], others: Mapping[str, Array], prefix: str = "") -> None:
    """Raise a ModelError unless two sets of arrays are of the same names, shapes and dtypes."""
    own, others = ({prefix + name: a for name, a in of.items()} for of in (own, others))
    check_same_structure(own, others)
    for name, array in others.items():
        if array.dtype != own[name].dtype:
            raise ModelError(f"array {name} is of {array.dtype}, must be of {own[name].dtype}")


def _flat(optimizer_state: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
    return {
        f"memory/{kind}/{name}": a for name, of in optimizer_state.items() for kind, a in of.items()
    }


def _steps(arrays: Mapping[str, NDArray[Any]]) -> StepResults:
    """Return what came out of the steps of an epoch, checked."""
    losses, right = arrays["losses"], arrays["right"]
    forms = [f"{array.shape} {array.dtype}" for array in (losses, right)]
    count = f"({losses.size},)"
    if forms != [f"{count} float64", f"{count} int64"]:
        raise ValueError(f"the steps of the epoch are {' and '.join(forms)}")
    return StepResults(losses, right)


def _seconds(rest: Mapping[str, Any], epoch: StepResults) -> float:
    """Return how long the steps of an epoch took: no time where there are none."""
    value = rest["seconds"]
    made = len(epoch.losses) > 0
    if not (_is_number(value) and math.isfinite(value) and (value > 0 if made else value == 0)):
        raise ValueError(f"seconds is {value!r:.40}, for {len(epoch.losses)} steps")
    return float(value)


def _whole(rest: Mapping[str, Any], name: str, most: int = _MOST) -> int:
    """Return a whole number, checked."""
    value = rest[name]
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{name} is {value!r:.40}, and must be a whole number of 0 to {most}")
    return value


def _record(number: int, told: Any) -> Epoch:
    """Return the record of an epoch, checked; only what validation found need not be finite."""
    if not isinstance(told, list) or len(told) != len(Epoch._fields):
        raise ValueError(f"record {number} is {told!r:.40}")
    record = Epoch(*told)
    judged = record.validation_loss, record.validation_accuracy
    others = record.loss, record.accuracy, record.lr, record.seconds, record.images_per_second
    if (
        (type(record.number), record.number, type(record.best)) != (int, number, bool)
        or not all(_is_number(value) and math.isfinite(value) for value in others)
        or not all(value is None or _is_number(value) for value in judged)
        or (judged[0] is not None and judged[1] is None)
    ):
        raise ValueError(f"record {number} is {told!r:.200}")
    return record


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= _MOST)
