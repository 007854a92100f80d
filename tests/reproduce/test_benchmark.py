from dataclasses import replace
from importlib.util import find_spec

import pytest

from handgrad.layers import Conv2d, Dense, Flatten
from handgrad.optim import SGD, Adam
from handgrad.reproduce.benchmark import HANDGRAD, KERAS, NUMPY, REFERENCE, TORCH, SpeedBenchmark
from tests.reproduce.samples import LAYERS, context

BENCH = SpeedBenchmark(LAYERS, SGD(0.03), 1, 400, 5_000, rounds=1, with_keras=True)


def test_all_implementations_reach_the_same_accuracy() -> None:
    result = BENCH.run(context(engine="auto"))
    installed = [(TORCH, "torch"), (KERAS, "keras")]
    names = [
        NUMPY,
        HANDGRAD,
        REFERENCE,
        *(name for name, package in installed if find_spec(package)),
    ]
    assert {n.partition(":")[0] for n in result.metrics} == {*names, "total"}
    reached = result.metrics[f"{NUMPY}: accuracy"]
    assert reached > 0.5
    for name in names:
        assert result.metrics[f"{name}: accuracy"] == pytest.approx(reached, abs=0.02)
        assert result.metrics[f"{name}: microseconds"] > 0


def test_layers_that_numpy_does_not_support_leave_numpy_out() -> None:
    layers = (Conv2d(2, 3), Flatten(), Dense())
    result = replace(BENCH, layers=layers, optimizer=Adam(1e-3), size=32).run(context())
    assert not any(NUMPY in name or REFERENCE in name for name in result.metrics)
