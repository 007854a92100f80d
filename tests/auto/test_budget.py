import numpy as np
import pytest

import handgrad as hg
from handgrad.auto.budget import Clock, OutOfTime, Timed
from handgrad.engines import BatchStream, Engine, ReferenceEngine, TrainConfig


def test_seconds_pass():
    times = iter([100.0, 103.0, 112.0])
    clock = Clock(10, now=lambda: next(times))
    assert clock.spent == 3
    assert clock.left == -2


def test_a_timed_engine_is_an_engine_until_its_time_is_over():
    now = [0.0]
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 1, 4), 3)
    rules = TrainConfig(hg.SoftmaxCrossEntropy(), hg.SGD())
    engine = Timed(ReferenceEngine(net, rules), net, Clock(60, now=lambda: now[0]), until=5)
    assert isinstance(engine, Engine)
    X, y = np.ones((2, 1, 1, 4), np.float32), np.array([0, 2])
    batches = BatchStream(X, y, None, np.arange(2), 2, [0.1])
    now[0] = 4.9
    assert len(engine.run(batches).losses) == 1
    assert engine.steps == engine.engine.steps == 1
    assert engine.judged == {}
    assert np.array_equal(engine.logits(X), net.logits(X))
    assert np.array_equal(engine.judged["1.weight"], net.parameters["1.weight"])
    net.parameters["1.weight"] += 1
    assert not np.array_equal(engine.judged["1.weight"], net.parameters["1.weight"])
    now[0] = 5.0
    with pytest.raises(OutOfTime):
        engine.run(batches)
    engine.judged, engine.patient = {}, True
    engine.run(batches)
    engine.logits(X)
    with pytest.raises(OutOfTime):
        engine.run(batches)
    engine.steps = 7
    assert engine.engine.steps == 7
