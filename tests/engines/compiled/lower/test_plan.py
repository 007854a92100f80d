"""Every stage hands its kernel what it takes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handgrad.engines import Rules
from handgrad.engines.compiled import CompiledEngine
from handgrad.engines.compiled.jit.compiler import Kernel
from handgrad.engines.compiled.jit.signatures import handed, takes, word
from handgrad.engines.compiled.kernels.pointers import KINDS
from handgrad.engines.compiled.lower.plan import Inlet, Place, Plan, Stage
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD, Adam, Momentum, Optimizer
from tests.cases import CASES, Case

KERNELS = Path(inspect.getfile(CompiledEngine)).parent / "kernels"


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
        for stage in plan.calls:
            assert len(handed(stage)) == len(stage.arguments)


@pytest.mark.parametrize("optimizer", [Momentum(), Momentum(nesterov=True), Adam()])
def test_every_optimizer_hands_its_kernel_what_it_takes(optimizer: Optimizer) -> None:
    for plan in plans(CASES[0], optimizer):
        for stage in plan.calls:
            handed(stage)


@pytest.mark.parametrize("family", sorted(path.stem for path in KERNELS.glob("*.py")))
def test_what_kernels_take_is_read_from_their_source_as_python_reads_it(family: str) -> None:
    module = importlib.import_module(f"handgrad.engines.compiled.kernels.{family}")
    for name, function in inspect.getmembers(module, inspect.isfunction):
        kinds = inspect.get_annotations(function)
        own = function.__module__ == module.__name__ and kinds.pop("return", "") == "None"
        if own and set(kinds.values()) <= KINDS.keys():
            assert takes(Kernel(f"{family}.{name}")) == kinds


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((np.zeros(3, np.float32), 3), "takes 3 arguments, not 2"),
        ((np.zeros(3), 3, 0.5), "takes X as Floats, not"),
        ((np.zeros(3, np.float32), 3.0, 0.5), "takes count as int, not 3.0"),
        ((5, 3, 0.5), "takes X as Floats, not 5"),
        ((np.zeros(3, np.float32), Inlet("size"), 0.5), "takes count as int, not Inlet"),
        ((np.zeros(3, np.float32), Place.CLOCK, 0.5), "takes count as int, not "),
        ((np.zeros(3, np.float32), 3, np.zeros(1)), "takes slope as float, not"),
    ],
)
def test_what_a_kernel_does_not_take_is_refused(arguments: Any, sentence: str) -> None:
    stage = Stage(Kernel("activation.leaky_relu"), arguments, "")
    with pytest.raises(AssertionError, match=f"activation.leaky_relu {sentence}"):
        handed(stage)


@pytest.mark.parametrize("number", [1, 1.0, np.float32(1), np.float64(1), np.int64(1), True])
def test_a_number_of_any_type_is_the_number_that_the_kernel_takes(number: Any) -> None:
    assert word(number, "float") == 0x3F800000
    assert word(number, "Double") == 0x3FF0000000000000
    if not isinstance(number, float | np.floating):
        assert word(number, "int") == 1
    else:
        with pytest.raises(TypeError):
            word(number, "int")


def test_a_number_beyond_float32_is_infinity_as_in_the_layers() -> None:
    assert word(1e300, "float") == 0x7F800000


def test_a_buffer_that_one_phase_uses_is_the_workers_own() -> None:
    case = next(case for case in CASES if case.name == "convnet")
    plan = CompiledEngine(case.network(), Rules(SoftmaxCrossEntropy(), SGD())).plan(
        1600, skip_zeros=False
    )
    slots = {b.name: plan.copies(b, phases, 2) for b, phases in plan.buffers().items()}
    assert slots["0 Conv2d: Y"] == 2
    assert slots["8 Dense: in rows"] == 100
    assert slots["gradients by chunk"] == 100
    assert slots["loss by chunk"] == 1
