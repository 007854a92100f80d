"""Every stage hands its kernel what it takes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

import numpy as np
import pytest

from handgrad.engines import Rules
from handgrad.engines.compiled import CompiledEngine
from handgrad.engines.compiled.plan import (
    Argument,
    Buffer,
    Double,
    Inlet,
    Part,
    Place,
    Plan,
    Stage,
)
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD, Adam, Momentum, Optimizer
from tests.cases import CASES, Case

KINDS = {
    np.dtype(np.float32): "Floats",
    np.dtype(np.int64): "Ints",
    np.dtype(np.int32): "Places",
    np.dtype(np.uint8): "Bytes",
}
INLETS = {
    **dict.fromkeys(("total", "size", "weighted", "dropout_key"), "int"),
    **dict.fromkeys(("rates", "order", "labels", "losses", "right"), "Ints"),
    **dict.fromkeys(("weights", "class_weights", "logits"), "Floats"),
}


def kind_of(argument: Argument, wanted: str) -> str:
    """Return what a kernel gets from an argument."""
    whole = argument.whole if isinstance(argument, Part) else argument
    if isinstance(whole, Buffer | np.ndarray):
        return KINDS[np.dtype(whole.dtype)]
    if isinstance(argument, Inlet):
        either = argument.name == "pictures" and wanted in ("Bytes", "Floats")
        return wanted if either else INLETS[argument.name]
    if argument == 0 and type(argument) is int:
        return wanted  # nothing, in place of an array that is not there
    if argument is Place.CLOCK:
        return "Ints"
    return {Double: "Double", float: "float"}.get(type(argument), "int")


def kinds(stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield, for each argument, what the kernel gets and what it takes."""
    family, _, name = stage.kernel.name.partition(".")
    kernels = importlib.import_module(f"handgrad.engines.compiled.kernels.{family}")
    taken = inspect.get_annotations(getattr(kernels, name))
    taken.pop("return")
    for argument, wanted in zip(stage.arguments, taken.values(), strict=True):
        yield kind_of(argument, wanted), wanted


def plans(case: Case, optimizer: Optimizer = SGD()) -> Iterator[Plan]:
    """Yield all plans for a network."""
    engine = CompiledEngine(case.network(), Rules(SoftmaxCrossEntropy(), optimizer))
    for skip_zeros in (False, True):
        for learning in (False, True):
            for batch_size in (1, 40):
                yield engine.plan(batch_size, skip_zeros=skip_zeros, learning=learning)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_stage_hands_its_kernel_what_it_takes(case: Case) -> None:
    for plan in plans(case):
        for stage in plan.stages:
            for given, taken in kinds(stage):
                assert given == taken, stage


@pytest.mark.parametrize("optimizer", [Momentum(), Momentum(nesterov=True), Adam()])
def test_every_optimizer_hands_its_kernel_what_it_takes(optimizer: Optimizer) -> None:
    for plan in plans(CASES[0], optimizer):
        for stage in plan.stages:
            assert all(given == taken for given, taken in kinds(stage))


def test_a_buffer_that_one_phase_uses_is_the_workers_own() -> None:
    case = next(case for case in CASES if case.name == "convnet")
    plan = CompiledEngine(case.network(), Rules(SoftmaxCrossEntropy(), SGD())).plan(
        1600, skip_zeros=False
    )
    slots = {b.name: plan.slots(b, phases, 2) for b, phases in plan.buffers().items()}
    assert slots["0 Conv2d: Y"] == 2
    assert slots["8 Dense: in rows"] == 100
    assert slots["gradients by chunk"] == 100
    assert slots["loss by chunk"] == 1
