import numpy as np
import pytest

import handgrad as hg
from handgrad.automl.budget import OutOfTime, TimeBudget, TimedEngine
from handgrad.engines import BatchStream, Engine, ReferenceEngine, TrainConfig


def test_elapsed_and_remaining_seconds():
    times = iter([100.0, 103.0, 112.0])
    clock = TimeBudget(10, now=lambda: next(times))
    assert clock.elapsed == 3
    assert clock.remaining == -2


def test_a_timed_engine_runs_until_its_deadline():
    now = [0.0]
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 1, 4), 3)
    rules = TrainConfig(hg.SoftmaxCrossEntropy(), hg.SGD())
    engine = TimedEngine(
        ReferenceEngine(net, rules), net, TimeBudget(60, now=lambda: now[0]), deadline=5
    )
    assert isinstance(engine, Engine)
    X, y = np.ones((2, 1, 1, 4), np.float32), np.array([0, 2])
    batches = BatchStream(X, y, None, np.arange(2), 2, [0.1])
    now[0] = 4.9
    assert len(engine.run(batches).losses) == 1
    assert engine.steps == engine.engine.steps == 1
    assert engine.evaluated_arrays == {}
    assert np.array_equal(engine.logits(X), net.logits(X))
    assert np.array_equal(engine.evaluated_arrays["1.weight"], net.parameters["1.weight"])
    net.parameters["1.weight"] += 1
    assert not np.array_equal(engine.evaluated_arrays["1.weight"], net.parameters["1.weight"])
    now[0] = 5.0
    with pytest.raises(OutOfTime):
        engine.run(batches)
    engine.evaluated_arrays, engine.finish_epoch = {}, True
    engine.run(batches)
    engine.logits(X)
    with pytest.raises(OutOfTime):
        engine.run(batches)
    engine.steps = 7
    assert engine.engine.steps == 7
