"""Kernel calls of a plan match their signatures, and buffers have the right number of copies."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handgrad.engines import TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.engines.compiled.jit.signatures import machine_word, signature
from handgrad.engines.compiled.kernels.pointers import PARAMETER_TYPES
from handgrad.engines.compiled.lower.barriers import EACH_WORKER, PER_CHUNK, tiles
from handgrad.engines.compiled.lower.calls import Buffer, KernelCall, RunArgument, RuntimeIndex
from handgrad.engines.compiled.lower.plan import Plan
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD, Adam, Momentum, Optimizer
from tests.cases import CASES, Case

KERNELS = Path(inspect.getfile(CompiledEngine)).parent / "kernels"


def plans(case: Case, optimizer: Optimizer = SGD()) -> Iterator[Plan]:
    """Yield all plans for a network."""
    engine = CompiledEngine(case.network(), TrainConfig(SoftmaxCrossEntropy(), optimizer))
    for skip_zeros in (False, True):
        for learning in (False, True):
            for batch_size in (1, 40):
                yield engine.plan(batch_size, skip_zeros=skip_zeros, learning=learning)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all_calls_of_a_plan_fit_their_kernels(case: Case) -> None:
    for plan in plans(case):
        for call in plan.calls:
            assert len(signature(call.kernel.name).types) == len(call.arguments)


@pytest.mark.parametrize("optimizer", [Momentum(), Momentum(nesterov=True), Adam()])
def test_all_calls_fit_for_every_optimizer(optimizer: Optimizer) -> None:
    for plan in plans(CASES[0], optimizer):
        assert plan.calls


@pytest.mark.parametrize("family", sorted(path.stem for path in KERNELS.glob("*.py")))
def test_signatures_are_parsed_as_python_reads_them(family: str) -> None:
    module = importlib.import_module(f"handgrad.engines.compiled.kernels.{family}")
    for name, function in inspect.getmembers(module, inspect.isfunction):
        types = inspect.get_annotations(function)
        own = function.__module__ == module.__name__ and types.pop("return", "") == "None"
        if own and set(types.values()) <= PARAMETER_TYPES.keys():
            assert signature(f"{family}.{name}").types == types


GOOD: dict[str, Any] = {"X": np.zeros(3, np.float32), "count": 3, "slope": 0.5}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"slope": None}, " is called without slope"),
        ({"Z": 1, "a": 2}, " takes no Z, a"),
        ({"X": np.zeros(3)}, ": the argument X must be Floats, not"),
        ({"X": 5}, ": the argument X must be Floats, not 5"),
        ({"count": 3.0}, ": the argument count must be int, not 3.0"),
        ({"count": RunArgument("size")}, ": the argument count must be int, not RunArgument"),
        (
            {"count": RuntimeIndex.STEP_STATE},
            ": the argument count must be int, not RuntimeIndex.STEP_STATE",
        ),
        ({"slope": np.zeros(1)}, ": the argument slope must be float, not"),
    ],
)
def test_wrong_arguments_are_refused_by_name(changed: dict[str, Any], sentence: str) -> None:
    arguments = {name: value for name, value in (GOOD | changed).items() if value is not None}
    with pytest.raises(TypeError, match=f"activation.leaky_relu{sentence}"):
        KernelCall.of("activation.leaky_relu", {}, arguments, "")


def test_step_state_chunk_and_worker_are_passed_automatically() -> None:
    arguments = {"R": GOOD["X"], "size": 3, "norms": GOOD["X"]}
    call = KernelCall.of("step.squared_norm", {}, arguments, "")
    assert call.by_name["chunk"] is RuntimeIndex.CHUNK
    assert call.by_name["step_state"] is RuntimeIndex.STEP_STATE


def test_a_kernel_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"there is no kernel chain\.subtract"):
        KernelCall.of("chain.subtract", {}, {}, "")


@pytest.mark.parametrize("number", [1, 1.0, np.float32(1), np.float64(1), np.int64(1), True])
def test_a_number_of_any_type_becomes_the_kernels_type(number: Any) -> None:
    assert machine_word(number, "float") == 0x3F800000
    assert machine_word(number, "Double") == 0x3FF0000000000000
    if not isinstance(number, float | np.floating):
        assert machine_word(number, "int") == 1
    else:
        with pytest.raises(TypeError):
            machine_word(number, "int")


def test_a_number_that_overflows_float32_is_infinity_as_in_the_layers() -> None:
    assert machine_word(1e300, "float") == 0x7F800000


def test_a_buffer_that_one_phase_uses_exists_once_for_each_worker() -> None:
    case = next(case for case in CASES if case.name == "convnet")
    plan = CompiledEngine(case.network(), TrainConfig(SoftmaxCrossEntropy(), SGD())).plan(
        1600, skip_zeros=False
    )
    copies = {b.name: plan.copies(b, phases, 2) for b, phases in plan.buffers().items()}
    assert copies["0 Conv2d: Y"] == 2
    assert copies["8 Dense: transposed"] == 100
    assert copies["gradients by chunk"] == 100
    assert copies["loss by chunk"] == 1


def test_calls_share_a_phase_while_no_item_needs_another_items_results() -> None:
    plan, X, Y = Plan(3), Buffer("X", 16), Buffer("Y", 16)
    shared = Buffer("shared", 16, shared=True)
    plan.emit(PER_CHUNK, "chain.copy", X=X, Y=Y, count=16)
    plan.emit(PER_CHUNK, "activation.relu", X=Y, count=16)
    assert [len(phase.calls) for phase in plan.phases] == [2]
    plan.emit(tiles(1), "chain.copy", X=X, Y=shared, count=16)
    plan.emit(PER_CHUNK, "chain.copy", X=shared, Y=Y, count=16)
    assert [len(phase.calls) for phase in plan.phases] == [2, 1, 1]


@pytest.mark.parametrize("items", [PER_CHUNK, tiles(2), EACH_WORKER])
def test_a_call_whose_items_write_to_the_same_memory_is_refused(items: Any) -> None:
    X, Y = Buffer("X", 16), Buffer("Y", 16, shared=True)
    with pytest.raises(AssertionError, match=r"chain\.copy: Y is written by several"):
        Plan(3).emit(items, "chain.copy", X=X, Y=Y, count=16)
    Plan(3).emit(tiles(1), "chain.copy", X=X, Y=Y, count=16)
