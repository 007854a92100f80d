"""RunState: the contents of a checkpoint, which are checked when the checkpoint is loaded."""

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

MAX_LR_HALVINGS = 3  # after values that are not finite
_PARTS = ("arrays", "best", "optimizer_state", "epoch", "average_weights")
_MAX_INTEGER = 1 << 53  # the largest exact integer of JSON


class RunState(NamedTuple):
    """Everything that is needed to continue a run.

    The order of the images, the dropout masks and the learning rates are not stored, because they
    are functions of the seed, the step and the records.

    Attributes:
        arrays: the network's arrays by name.
        optimizer_state: the optimizer's arrays by parameter and kind, such as
            optimizer_state["0.weight"]["velocity"].
        best: the network's arrays after the best epoch so far, or its initial arrays if no epoch
            has been finished with a finite loss.
        steps: the number of updates done so far.
        epoch: the results of the steps done so far in the unfinished epoch.
        seconds: the total duration, in seconds, of the steps done so far in the unfinished epoch.
        records: the records of the finished epochs.
        lr_halvings: how many times the learning rate was halved because training diverged.
        average_weights: the moving average of each array of the network; empty if weight averaging
            is off.
        average_count: how many times the weights have been added to the average.
    """

    arrays: dict[str, Array]
    optimizer_state: dict[str, dict[str, Array]]
    best: dict[str, Array]
    steps: int
    epoch: StepResults
    seconds: float
    records: list[Epoch]
    lr_halvings: int
    average_weights: dict[str, Array]
    average_count: int


def tensors(state: RunState) -> dict[str, NDArray[Any]]:
    """Return all arrays of a run's state in one dict, under unique names."""
    named = {f"arrays/{name}": array for name, array in state.arrays.items()}
    named |= {f"best/{name}": array for name, array in state.best.items()}
    named |= {f"average_weights/{name}": a for name, a in state.average_weights.items()}
    for name, kinds in state.optimizer_state.items():
        named |= {f"optimizer_state/{kind}/{name}": a for kind, a in kinds.items()}
    return named | {"epoch/losses": state.epoch.losses, "epoch/correct": state.epoch.correct}


def numbers(state: RunState) -> dict[str, Any]:
    """Return everything in a run's state except the arrays, as JSON values."""
    return {
        "steps": state.steps,
        "seconds": state.seconds,
        "records": [list(record) for record in state.records],
        "lr_halvings": state.lr_halvings,
        "average_count": state.average_count,
    }


def state_of(named: Mapping[str, NDArray[Any]], rest: Mapping[str, Any]) -> RunState:
    """Build a state from the results of `tensors` and `numbers`, and check that it is valid.

    Use `check_fits` to check that the state belongs to a particular run.

    Raises:
        ValueError: if the contents are impossible for any run.
        LookupError: if a part of the state is missing.
        TypeError: if a part of the state has the wrong type.
    """
    parts: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
    for name, array in named.items():
        part, _, array_name = name.partition("/")
        if part not in parts:
            raise ValueError(f"unknown array {name}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has a value that is not finite")
        if part == "optimizer_state":
            kind, _, array_name = array_name.partition("/")
            parts[part].setdefault(array_name, {})[kind] = array
        else:
            parts[part][array_name] = array
    records = rest["records"]
    if not isinstance(records, list):
        raise ValueError(f"records must be a list, not {records!r:.40}")
    return RunState(
        arrays=parts["arrays"],
        optimizer_state=parts["optimizer_state"],
        best=parts["best"],
        steps=_integer(rest, "steps"),
        epoch=(epoch := _step_results(parts["epoch"])),
        seconds=_seconds(rest, epoch),
        records=[_record(number, values) for number, values in enumerate(records, 1)],
        lr_halvings=_integer(rest, "lr_halvings", MAX_LR_HALVINGS),
        average_weights=parts["average_weights"],
        average_count=_integer(rest, "average_count"),
    )


def check_fits(
    state: RunState,
    arrays: Mapping[str, Array],
    optimizer_state: Mapping[str, Mapping[str, Array]],
    steps: int,
) -> None:
    """Check that a state fits a network, an optimizer and a number of steps per epoch.

    Args:
        state: the state to check.
        arrays: the network's arrays.
        optimizer_state: the arrays of the optimizer of the resumed run.
        steps: the number of steps per epoch.

    Raises:
        ConfigError: if the state belongs to a different optimizer.
        ModelError: if an array is missing or unknown, or has a different shape.
    """
    before, after = (
        ", ".join(sorted({kind for kinds in of.values() for kind in kinds})) or "nothing"
        for of in (state.optimizer_state, optimizer_state)
    )
    _check_same(arrays, state.arrays)
    if before != after:
        raise ConfigError(
            f"cannot resume: the optimizer's state was {before} and is now {after}; "
            "use the same optimizer"
        )
    _check_same(_flat(optimizer_state), _flat(state.optimizer_state))
    _check_same(arrays, state.best, "best/")
    if state.average_count or state.average_weights:
        _check_same(arrays, state.average_weights, "average_weights/")
    done, epochs = len(state.epoch.losses), len(state.records)
    if done > steps or state.steps != epochs * steps + done:
        raise ModelError(
            f"its step count is {state.steps:,}, but it has results of {epochs:,} x {steps:,} + "
            f"{done:,} steps; start the run again"
        )


def _check_same(
    expected: Mapping[str, Array], actual: Mapping[str, Array], prefix: str = ""
) -> None:
    """Raise a ModelError unless two sets of arrays have the same names, shapes and dtypes."""
    expected, actual = ({prefix + name: a for name, a in of.items()} for of in (expected, actual))
    check_same_structure(expected, actual)
    for name, array in actual.items():
        dtype = expected[name].dtype
        if array.dtype != dtype:
            raise ModelError(f"array {name} has dtype {array.dtype} instead of {dtype}")


def _flat(optimizer_state: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
    return {
        f"optimizer_state/{kind}/{name}": a
        for name, of in optimizer_state.items()
        for kind, a in of.items()
    }


def _step_results(arrays: Mapping[str, NDArray[Any]]) -> StepResults:
    """Return the results of the steps in an unfinished epoch after checking them."""
    losses, correct = arrays["losses"], arrays["correct"]
    forms = [f"{array.shape} {array.dtype}" for array in (losses, correct)]
    count = f"({losses.size},)"
    if forms != [f"{count} float64", f"{count} int64"]:
        raise ValueError(
            f"the losses and the numbers of correct predictions must not be {' and '.join(forms)}"
        )
    return StepResults(losses, correct)


def _seconds(rest: Mapping[str, Any], epoch: StepResults) -> float:
    """Return the duration of the steps in an unfinished epoch after checking it; 0 if no steps."""
    value = rest["seconds"]
    any_step = len(epoch.losses) > 0
    in_range = _is_number(value) and math.isfinite(value)
    if not (in_range and (value > 0 if any_step else value == 0)):
        raise ValueError(
            f"seconds is {value!r:.40}, which is invalid for {len(epoch.losses)} steps"
        )
    return float(value)


def _integer(rest: Mapping[str, Any], name: str, most: int = _MAX_INTEGER) -> int:
    """Return an integer after checking its type and range."""
    value = rest[name]
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{name} must be a whole number from 0 to {most}, not {value!r:.40}")
    return value


def _record(number: int, values: Any) -> Epoch:
    """Return an epoch's record after checking it; its validation loss may be NaN or infinite."""
    if not isinstance(values, list) or len(values) != len(Epoch._fields):
        raise ValueError(f"record {number} is {values!r:.40}")
    record = Epoch(*values)
    validation = record.validation_loss, record.validation_accuracy
    others = record.loss, record.accuracy, record.lr, record.seconds, record.images_per_second
    if (
        (type(record.number), record.number, type(record.best)) != (int, number, bool)
        or not all(_is_number(value) and math.isfinite(value) for value in others)
        or not all(value is None or _is_number(value) for value in validation)
        or (validation[0] is not None and validation[1] is None)
    ):
        raise ValueError(f"record {number} is {values!r:.200}")
    return record


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= _MAX_INTEGER)
