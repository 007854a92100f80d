from __future__ import annotations

import pytest

import handgrad as hg
from handgrad.engines import TrainConfig, engine_named
from handgrad.train.run import TrainingRun


def new_run() -> TrainingRun:
    train, _ = hg.load_data("digits")
    config = TrainConfig(epochs=1, engine="reference", on_divergence="lower-lr")
    net = hg.Network([hg.Normalize(), hg.Flatten(), hg.Dense()], train.shape, len(train.classes))
    net.fit_statistics(train.images)
    return TrainingRun(net, engine_named(config.engine, net, config), config, train)


@pytest.mark.parametrize("good", [0, 1])
@pytest.mark.parametrize(
    ("further", "by_update", "tries"), [(0, False, 1), (0, True, 4), (1, False, 4)]
)
def test_a_run_stops_at_once_if_no_learning_rate_can_help(
    good: int, further: int, by_update: bool, tries: int
) -> None:
    run = new_run()
    if good:
        run.record(run.engine.run(run.next_batches()))
    assert run.engine.steps == good
    run.checkpoint(None)
    step, layer = good + further, "loss"
    for _ in range(tries - 1):
        error = hg.DivergenceError("", step=step, layer=layer, by_update=by_update)
        run.rollback(error)
        assert not error.unrecoverable
    error = hg.DivergenceError("", step=step, layer=layer, by_update=by_update)
    with pytest.raises(hg.DivergenceError):
        run.rollback(error)
    assert error.unrecoverable == (tries == 1)
