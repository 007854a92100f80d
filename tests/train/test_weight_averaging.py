"""The averaged weights are evaluated and kept, and the training itself is unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.layers import Array, Context
from handgrad.train.run import TrainingRun
from handgrad.train.weight_averaging import AVERAGES_PER_EPOCH, WeightAverage, next_average_step
from tests.train.blobs import blobs, small_net
from tests.train.interrupted import history_of


def normed() -> hg.Network:
    """Return a network with batch norm and dropout."""
    data = blobs()
    layers = [hg.Flatten(), hg.Dense(8), hg.BatchNorm(), hg.ReLU(), hg.Dropout(0.2), hg.Dense()]
    return hg.Network(layers, data.shape, len(data.classes))


def fitted(net: hg.Network, **settings: Any) -> hg.History:
    """Train the network for a few epochs."""
    settings = {"epochs": 4, "batch_size": 9, "engine": "reference", "patience": None} | settings
    return hg.fit(net, blobs(), **settings)


@pytest.mark.parametrize("steps", [1, 3, 9, 10, 11, 938])
def test_averaging_steps_are_evenly_spaced_and_include_the_last(steps: int) -> None:
    points, at = [], 0
    while at < steps:
        points.append(at := next_average_step(at, steps))
    assert points[-1] == steps
    assert len(points) == min(steps, len(points)) <= AVERAGES_PER_EPOCH
    assert max(np.diff([0, *points])) == -(-steps // AVERAGES_PER_EPOCH)


def test_weight_average_is_a_plain_mean_first_and_decays_later() -> None:
    net = small_net(blobs())
    average, seen = WeightAverage(net, 0.5), []
    for value in (2.0, 4.0, 9.0, 1.0, 7.0, 3.0, 3.0, 3.0):
        net.arrays["1.bias"] = np.full_like(net.arrays["1.bias"], value)
        average.add()
        seen.append(float(average.arrays["1.bias"][0]))
    expected = [2, 3, 5, 4, 4.6, 4.28, 4.024, 3.8192]  # over 5 of the 10 averages of an epoch
    assert seen == pytest.approx(expected, rel=1e-6)


def test_averaging_does_not_change_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[dict[str, Array]] = []
    note = TrainingRun.record

    def spy(self: TrainingRun, came: Any) -> None:
        note(self, came)
        seen.append(self.net.snapshot())

    monkeypatch.setattr(TrainingRun, "record", spy)
    monkeypatch.setattr("handgrad.train.run.SLICE_SECONDS", 0.0)  # one step per slice
    plain, mean = small_net(blobs()), small_net(blobs())
    before = fitted(plain)
    way, steps = [*seen], len(seen) // 4
    seen.clear()
    after = fitted(mean, average_weights=100.0)
    assert [r[1:3] for r in history_of(before)] == [r[1:3] for r in history_of(after)]
    for one, other in zip(way, seen, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)
    every = -(-steps // AVERAGES_PER_EPOCH)
    chosen = [k for k in range(4 * steps) if (k % steps + 1) % every == 0 or (k + 1) % steps == 0]
    for name, array in mean.parameters.items():
        expected = np.mean([way[k][name].astype(np.float64) for k in chosen], axis=0)
        np.testing.assert_allclose(array, expected, rtol=1e-4, atol=1e-6)
    validation = blobs().split(0.1)[1]
    assert after[-1].validation_loss == hg.evaluate(mean, validation).loss


def test_batch_norm_has_the_statistics_of_the_averaged_weights() -> None:
    net, data = normed(), blobs()
    history = fitted(net, average_weights=3.0, validation=None, batch_size=45, epochs=12)
    X = net.as_input(data.images)
    for layer in net.layers[:2]:
        X, _ = layer.forward(net.params[str(net.layers.index(layer))], X, Context())
    spread = X.std(axis=0)
    assert np.abs(net.buffers["2.running_mean"] - X.mean(axis=0)).max() < 0.02 * spread.max()
    assert net.buffers["2.running_var"] == pytest.approx(X.var(axis=0, ddof=1), rel=0.15)
    own = fitted(normed(), validation=None, batch_size=45, epochs=12)
    assert history_of(own) == history_of(history)


@pytest.mark.parametrize("patience", [None, 3])
@pytest.mark.parametrize("engine", ["compiled", "torch:cpu"])
def test_engines_keep_the_same_average(engine: str, patience: int | None) -> None:
    pytest.importorskip("torch" if engine.startswith("torch") else "numba")
    ours, theirs = normed(), normed()
    settings = {"average_weights": 1.0, "patience": patience, "optimizer": hg.SGD(0.1)}
    one = fitted(ours, **settings)
    two = fitted(theirs, **settings, engine=engine)
    for name, array in ours.arrays.items():
        np.testing.assert_allclose(array, theirs.arrays[name], rtol=2e-3, atol=2e-4)
    for left, right in zip(one, two, strict=True):
        assert left.validation_loss == pytest.approx(right.validation_loss, rel=1e-3)


def test_average_is_better_than_the_last_weights_at_a_constant_lr() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 1, 5, 5)).astype(np.float32)
    labels = (X[:, 0].sum(axis=(1, 2)) + 3 * rng.normal(size=600) > 0).astype(int)
    data = hg.Dataset.from_arrays(X, labels)
    train, test = data.split(0.5)
    losses = []
    for average in (None, 5.0):
        net = hg.Network([hg.Flatten(), hg.Dense()], data.shape, len(data.classes))
        hg.fit(
            net,
            train,
            validation=None,
            epochs=10,
            batch_size=4,
            optimizer=hg.SGD(0.3),
            patience=None,
            average_weights=average,
        )
        losses.append(hg.evaluate(net, test).loss)
    assert losses[1] < 0.98 * losses[0]
