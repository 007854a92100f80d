"""The function `before_steps`, which is called between two training steps."""

import numpy as np

import handgrad as hg
from handgrad.train.run import TrainingRun


def test_it_can_limit_the_steps_without_changing_the_results():
    train, _ = hg.load_data("digits")
    train = train.take(np.arange(300))
    seen: list[tuple[int, int]] = []

    def one_at_a_time(run: TrainingRun) -> None:
        run.most_steps = 1
        assert run.is_consistent
        seen.append((run.engine.steps, len(run.epoch_results.losses)))
        assert run.lr > 0

    def trained(before_steps=None) -> tuple[hg.Network, hg.History]:
        net = hg.Network(hg.models.two_layer(), train.shape, 10)
        history = hg.fit(net, train, epochs=2, engine="reference", before_steps=before_steps)
        return net, history

    (net, history), (plain, expected) = trained(one_at_a_time), trained()
    steps = -(-270 // 64)
    assert seen == [(e * steps + k, k) for e in range(2) for k in range(steps)]
    assert [record.loss for record in history] == [record.loss for record in expected]
    for name, array in net.arrays.items():
        np.testing.assert_array_equal(array, plain.arrays[name])
