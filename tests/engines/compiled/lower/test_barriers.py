"""There are enough barriers for every schedule of the workers, and none is unnecessary."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handgrad.engines import StepResults, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.engines.compiled.jit import signatures
from handgrad.engines.compiled.jit.compiler import function
from handgrad.engines.compiled.jit.signatures import signature
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.barriers import NEVER, conflict
from handgrad.engines.compiled.lower.plan import Phase, Plan
from handgrad.engines.compiled.runtime import program as programs
from handgrad.engines.compiled.runtime.program import Program
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import named
from handgrad.network import Network
from handgrad.optim import SGD, Adam, Optimizer
from tests.cases import CASES, Case
from tests.engines.agreement import CASE, batches, sparse

RECORDED = json.loads(Path(__file__).with_name("recorded_barriers.json").read_text("utf-8"))


def plan_of(name: str) -> Plan:
    """Return the plan of a built-in network, such as "convnet, Adam, batches of 64, dense"."""
    model, optimizer, size, pixels = name.split(", ")
    net = Network(named(model), (1, 28, 28), 10, seed=0)
    config = TrainConfig(SoftmaxCrossEntropy(), {"SGD": SGD, "Adam": Adam}[optimizer]())
    batch_size = int(size.removeprefix("batches of "))
    return CompiledEngine(net, config).plan(batch_size, skip_zeros=pixels == "sparse")


def as_text(plan: Plan) -> list[str]:
    """Return each phase as text, together with the workers that must wait after it."""
    waiting = {NEVER: "no barrier", 1: "barrier", 2: "barrier for 3 or more workers"}
    return [
        f"{phase.kind.name} {phase.tiles}: {phase.calls[0].kernel.name}, {len(phase.calls)} calls, "
        f"{waiting[phase.barrier_above]}"
        for phase in plan.phases
    ]


@pytest.mark.parametrize("name", RECORDED)
def test_the_barriers_of_the_built_in_networks_match_the_recorded_ones(name: str) -> None:
    assert as_text(plan_of(name)) == RECORDED[name]


def conflicts(phases: list[Phase], workers: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of phases with conflicting accesses, within a step or in consecutive steps.

    The numbers of the second step's phases continue those of the first step.
    """
    for p, first in enumerate(phases):
        for q, second in enumerate([*phases, *phases]):
            if p < q and any(
                conflict(a, b, q < len(phases), workers)
                for a in first.regions
                for b in second.regions
                if a.base == b.base
            ):
                yield p, q


def separated(p: int, q: int, barriers: set[int], count: int) -> bool:
    """Return whether there is a barrier after phase p and before phase q."""
    return any(number % count in barriers for number in range(p, q))


def plans(case: Case, optimizer: Optimizer) -> Iterator[Plan]:
    engine = CompiledEngine(case.network(), TrainConfig(SoftmaxCrossEntropy(), optimizer))
    for skip_zeros in (False, True):
        for batch_size in (1, 10, 40):
            yield engine.plan(batch_size, skip_zeros=skip_zeros)
        yield engine.plan(40, skip_zeros=skip_zeros, learning=False)


@pytest.mark.parametrize("optimizer", [SGD(), Adam()], ids=["SGD", "Adam"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_conflict_has_a_barrier_and_every_barrier_is_needed(
    case: Case, optimizer: Optimizer
) -> None:
    for plan in plans(case, optimizer):
        phases, count = plan.phases, len(plan.phases)
        assert all(phase.python is None for phase in phases)
        for workers in (2, 3):
            needed = list(conflicts(phases, workers))
            barriers = {n for n, phase in enumerate(phases) if phase.barrier_above < workers}
            assert all(separated(p, q, barriers, count) for p, q in needed)
            for barrier in barriers:
                if workers == 2 or phases[barrier].barrier_above == 2:
                    fewer = barriers - {barrier}
                    assert not all(separated(p, q, fewer, count) for p, q in needed), barrier


def scheduled(
    choose: Callable[[list[int]], int], keep: Callable[[int, int], bool] = lambda *_: True
) -> Callable[..., bool]:
    """Return a replacement of `Program.run` that runs the workers one at a time, in any order.

    Args:
        choose: chooses, among the workers that need not wait, the one that runs its next phase.
        keep: whether to keep the barrier after a phase, given the phase and its `barrier_above`.
    """

    def run(self: Program, steps: int, _workers: int, first: int = 0, last: Any = None) -> bool:
        workers, phases = self.workers, self.plan.phases[first:last]
        states = self.step_states.reshape(workers, -1)
        states[1:] = states[0]
        self._phases[:, 4] = NEVER
        sequence = list(range(len(phases))) * steps
        ends = [
            n + 1
            for n, p in enumerate(sequence)
            if phases[p].barrier_above < workers and keep(p, phases[p].barrier_above)
        ]
        for begin, end in pairwise([0, *ends, len(sequence)]):
            left = {worker: list(sequence[begin:end]) for worker in range(workers)}
            while any(left.values()):
                worker = choose([worker for worker, phases_left in left.items() if phases_left])
                number = first + left[worker].pop(0)
                if not run_phase(self, worker, number):
                    left[worker].clear()
        return bool(states[0, programs.STOP] == 0)

    return run


def run_phase(self: Program, worker: int, number: int) -> bool:
    """Run one phase as one worker."""
    if self.step_states.reshape(self.workers, -1)[worker, programs.STOP]:
        return False
    self._calls[:, programs._STEPS] = self._calls[:, programs._PHASE_COUNT] = 1
    self._calls[:, programs._PHASES] = self._first_phase + number * self._phases.strides[0]
    self._calls[:, programs._WORKERS] = self.workers
    function(programs._DRIVER)(self._call_at[worker])
    return True


SCHEDULES: dict[str, Callable[[list[int]], int]] = {
    "first worker first": lambda workers: workers[0],
    "last worker first": lambda workers: workers[-1],
    "random": np.random.default_rng(3).choice,
}


def trained(case: Case, workers: int, skip_zeros: bool) -> tuple[StepResults, dict[str, Any], Any]:
    """Return the losses, weights and logits after a few steps with several chunks."""
    run = batches(case, size=70, steps=3)
    if skip_zeros:
        run = run._replace(images=sparse(case.shape, len(run.images)))
    config = TrainConfig(SoftmaxCrossEntropy(), SGD(0.01), seed=1)
    engine = CompiledEngine(case.network(), config, workers=workers, skip_zeros=skip_zeros)
    steps = engine.run(run)
    return steps, dict(engine.net.arrays), engine.logits(run.images)


def assert_same(left: Any, right: Any) -> None:
    np.testing.assert_array_equal(left[0].losses, right[0].losses)
    np.testing.assert_array_equal(left[2], right[2])
    for name, array in left[1].items():
        np.testing.assert_array_equal(array, right[1][name], err_msg=name)


NETWORKS = ("resnet", "all-noise", "online-mlp", "convnet", "every-activation")


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("skip_zeros", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_result_is_the_same_for_every_schedule_of_the_workers(
    name: str, skip_zeros: bool, workers: int, schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = trained(CASE[name], 1, skip_zeros)
    monkeypatch.setattr(Program, "run", scheduled(SCHEDULES[schedule]))
    assert_same(expected, trained(CASE[name], workers, skip_zeros))


@pytest.mark.parametrize("level", [1, 2])
def test_the_result_differs_without_barriers(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = trained(CASE["convnet"], 1, False)
    without = scheduled(SCHEDULES["last worker first"], lambda _, above: above != level)
    monkeypatch.setattr(Program, "run", without)
    with pytest.raises(AssertionError):
        assert_same(expected, trained(CASE["convnet"], 3, False))


@pytest.mark.parametrize(
    ("case", "writes"),
    [
        ("convnet", {"conv.pack_forward": ["P"], "conv.pack_backward": ["P"]}),
        ("resnet", {"norm.statistics": ["X", "mean", "deviation"]}),
        ("resnet", {"norm.gradient": ["dweight", "dbias"]}),
    ],
)
def test_writes_that_are_not_declared_change_the_result(
    case: str, writes: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = trained(CASE[case], 1, False)
    for kernel, names in writes.items():
        declared, (family, _, function_name) = signature(kernel), kernel.partition(".")
        accesses = declared.accesses | dict.fromkeys(names, signatures.Access("reads"))
        changed = declared._replace(accesses=accesses)
        monkeypatch.setitem(signatures._signatures(family), function_name, changed)
    different = 0
    for schedule in SCHEDULES.values():
        monkeypatch.setattr(Program, "run", scheduled(schedule))
        found = trained(CASE[case], 2, False)
        different += any(not np.array_equal(expected[1][key], found[1][key]) for key in found[1])
    assert different


def test_kinds_of_items_are_those_that_the_driver_knows() -> None:
    assert {kind.value for kind in Kind} == set(range(6))
