from __future__ import annotations

import traceback
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.layers import Array, Context, Params
from tests.train.blobs import blobs, small_net


def arrays_equal(one: dict[str, Array], other: dict[str, Array]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one | other)


def test_network_learns_and_history_records_it() -> None:
    data = blobs()
    net = small_net(data)
    seen: list[hg.Epoch] = []
    history = hg.fit(
        net,
        data,
        validation=0.2,
        on_epoch=seen.append,
        epochs=20,
        batch_size=8,
        optimizer=hg.Adam(0.03),
    )
    assert list(history) == seen
    assert [record.number for record in history] == list(range(1, len(history) + 1))
    assert history[-1].validation_accuracy > 0.9
    assert history[-1].loss < history[0].loss / 3
    assert hg.evaluate(net, blobs(seed=1)).accuracy > 0.9


def test_digits_are_learned() -> None:
    train, test = hg.load_data("digits")
    layers = [hg.Normalize(), hg.Flatten(), hg.Dense(64), hg.ReLU(), hg.Dense()]
    net = hg.Network(layers, train.shape, len(train.classes))
    hg.fit(net, train, epochs=15, optimizer=hg.Adam(3e-3), schedule=hg.schedules.OneCycle())
    assert hg.evaluate(net, test).accuracy > 0.95


def test_fit_reaches_a_layer_in_five_calls() -> None:
    @dataclass(frozen=True)
    class Probe(hg.Dense):
        def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Any]:
            frames = traceback.extract_stack()
            calls.append([frame.name for frame in frames if frame.filename.endswith(".py")])
            return super().forward(params, X, ctx)

    calls: list[list[str]] = []
    data = blobs()
    net = hg.Network([hg.Flatten(), Probe()], data.shape, len(data.classes))
    hg.fit(net, data, validation=None, epochs=1, engine="reference")
    way = [name for name in calls[0][calls[0].index("fit") :] if name != "inner"]  # a decorator's
    assert way == ["fit", "_run_epochs", "run", "forward", "walk", "forward"]


def test_same_seed_same_parameters() -> None:
    def trained(seed: int) -> dict[str, Array]:
        data = blobs()
        net = small_net(data)
        hg.fit(net, data, epochs=3, batch_size=8, seed=seed)
        return net.snapshot()

    assert arrays_equal(trained(0), trained(0))
    assert not arrays_equal(trained(0), trained(1))


def test_each_epoch_uses_every_image_once_in_a_new_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders = []
    run = hg.engines.ReferenceEngine.run  # type: ignore[attr-defined]

    def spy(self: Any, batches: Any) -> Any:
        orders.append(batches.order)
        return run(self, batches)

    monkeypatch.setattr("handgrad.engines.ReferenceEngine.run", spy)
    data = blobs()
    hg.fit(small_net(data), data, validation=None, epochs=3, engine="reference")
    of_epoch = np.concatenate(orders).reshape(3, 90)
    assert [sorted(order) for order in of_epoch] == [list(range(90))] * 3
    assert all(not np.array_equal(a, b) for a, b in pairwise(of_epoch))


@pytest.mark.parametrize("of_loss", [None, (0.5, 1.0, 3.0)])
@pytest.mark.parametrize("class_weights", [None, "balanced", {0: 1.0, 1: 5.0, 2: 0.1}])
def test_last_partial_batch_counts_by_its_size(class_weights: Any, of_loss: Any) -> None:
    data = blobs(count=50)  # 3 batches of 16, and one of 2
    net = small_net(data)
    (record,) = hg.fit(
        net,
        data,
        validation=None,
        epochs=1,
        batch_size=16,
        optimizer=hg.SGD(0.0),
        loss=hg.SoftmaxCrossEntropy(class_weights=of_loss),
        class_weights=class_weights,
    )
    weights = hg.TrainConfig(class_weights=class_weights).image_weights(data.labels, data.classes)
    loss, _ = hg.SoftmaxCrossEntropy(class_weights=of_loss)(
        net.logits(data.images), data.labels, weights
    )
    assert record.loss == pytest.approx(loss, rel=1e-5)
    assert record.accuracy == hg.evaluate(net, data).accuracy


def test_validation_runs_after_the_epoch_without_dropout() -> None:
    data, judge = blobs(), blobs(seed=7)
    layers = [hg.Flatten(), hg.Dense(8), hg.ReLU(), hg.Dropout(0.5), hg.Dense()]
    net = hg.Network(layers, data.shape, len(data.classes))
    (record,) = hg.fit(net, data, validation=judge, epochs=1)
    found = hg.evaluate(net, judge)
    assert record.validation_loss == pytest.approx(found.loss)
    assert record.validation_accuracy == found.accuracy


def test_early_stopping_restores_the_best_weights() -> None:
    data, judge = blobs(noise=0.6), blobs(seed=7, noise=0.6)
    net = small_net(data)
    history = hg.fit(
        net, data, validation=judge, epochs=200, batch_size=4, optimizer=hg.Adam(0.05), patience=3
    )
    losses = [record.validation_loss for record in history]
    assert history.stopped_early
    assert len(history) == history.best_epoch + 3
    assert losses[history.best_epoch - 1] == min(losses)
    assert hg.evaluate(net, judge).loss == pytest.approx(min(losses), rel=1e-5)


def test_last_weights_are_kept_without_patience() -> None:
    data, judge = blobs(noise=0.6), blobs(seed=7, noise=0.6)
    net = small_net(data)
    history = hg.fit(
        net, data, validation=judge, epochs=40, batch_size=4, optimizer=hg.Adam(0.05), patience=None
    )
    assert len(history) == 40
    assert not history.stopped_early
    assert history[-1].validation_loss > min(r.validation_loss for r in history)
    assert hg.evaluate(net, judge).loss == pytest.approx(history[-1].validation_loss, rel=1e-5)


def test_decrease_below_min_delta_does_not_count() -> None:
    data = blobs()
    history = hg.fit(small_net(data), data, validation=None, epochs=50, patience=2, min_delta=10.0)
    assert [record.best for record in history] == [True, False, False]


def test_validation_share_of_0_means_no_validation() -> None:
    data = blobs()
    (record,) = hg.fit(small_net(data), data, validation=0, epochs=1)
    assert record.validation_loss is None


def test_loop_over_epochs_can_be_left_early() -> None:
    data = blobs()
    net = small_net(data)
    numbers = []
    for record in hg.epochs(net, data, epochs=50):
        numbers.append(record.number)
        if record.number == 3:
            break
    assert numbers == [1, 2, 3]


def test_lr_follows_the_schedule() -> None:
    data = blobs()
    history = hg.fit(
        small_net(data),
        data,
        validation=None,
        epochs=4,
        optimizer=hg.SGD(0.1),
        schedule=hg.schedules.Step(2, 0.5),
    )
    assert [record.lr for record in history] == pytest.approx([0.1, 0.1, 0.05, 0.05])


def test_plateau_lowers_the_lr() -> None:
    data = blobs()
    history = hg.fit(
        small_net(data),
        data,
        validation=None,
        epochs=6,
        optimizer=hg.SGD(1e-9),
        schedule=hg.schedules.Plateau(patience=2, gamma=0.5),
        patience=None,
    )
    assert [record.lr * 1e9 for record in history] == pytest.approx([1, 1, 1, 0.5, 0.5, 0.25])


def test_normalize_is_fitted_once_to_the_training_images() -> None:
    data = blobs()
    net = hg.Network([hg.Normalize(), hg.Flatten(), hg.Dense()], data.shape, len(data.classes))
    hg.fit(net, data, validation=None, epochs=1)
    assert net.buffers["0.mean"] == pytest.approx(data.images.mean(), rel=1e-6)
    assert net.buffers["0.std"] == pytest.approx(data.images.std(), rel=1e-6)

    brighter = hg.Dataset(data.images + 1, data.labels, data.classes)
    hg.fit(net, brighter, validation=None, epochs=1)
    assert net.buffers["0.mean"] == pytest.approx(data.images.mean(), rel=1e-6)


def test_divergence_names_step_and_layer_and_restores_the_best_weights() -> None:
    data = blobs()
    net = small_net(data)
    before = net.snapshot()
    with pytest.raises(hg.DivergenceError, match=r"^step \d+, .*lower the learning rate") as caught:
        hg.fit(net, data, validation=None, epochs=50, optimizer=hg.SGD(1e30))
    assert caught.value.step <= 3
    assert caught.value.layer in {"1 (Dense)", "3 (Dense)", "loss"}
    assert arrays_equal(net.snapshot(), before)


def test_class_weights_favour_the_heavier_class() -> None:
    data = blobs(noise=1.0)

    def share_of_class_1(class_weights: Any) -> float:
        net = small_net(data)
        hg.fit(
            net,
            data,
            validation=None,
            epochs=30,
            optimizer=hg.Adam(0.03),
            class_weights=class_weights,
        )
        return float(np.mean(net.logits(data.images).argmax(axis=1) == 1))

    assert share_of_class_1({0: 1, 1: 20, 2: 1}) > share_of_class_1(None) + 0.3


def test_weight_of_2_equals_two_copies_of_an_image() -> None:
    data = blobs(count=6)
    count = np.array([1, 2, 1, 0, 3, 1])
    often = data.take(np.repeat(np.arange(6), count))
    nets = [small_net(data), small_net(data)]
    options = {"epochs": 4, "optimizer": hg.Adam(0.03), "patience": None}
    weighted = hg.fit(nets[0], data, validation=None, weights=count, batch_size=6, **options)
    repeated = hg.fit(nets[1], often, validation=None, batch_size=len(often), **options)
    for name, array in nets[0].parameters.items():
        assert array == pytest.approx(nets[1].parameters[name], abs=1e-5), name
    assert [e.loss for e in weighted] == pytest.approx([e.loss for e in repeated], rel=1e-5)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_images_of_weight_0_have_no_effect(engine: str) -> None:
    data = blobs()
    net = small_net(data)
    weights = np.where(data.labels == 1, 0.0, 1.0)
    hg.fit(
        net,
        data,
        validation=0.2,
        weights=weights,
        epochs=20,
        optimizer=hg.Adam(0.03),
        class_weights="balanced",
        batch_size=8,
        patience=None,
        engine=engine,
    )
    right = net.logits(data.images).argmax(axis=1) == data.labels
    assert right[data.labels != 1].mean() > 0.9
    assert not right[data.labels == 1].any()


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (
            [1.0],
            r"^weights must be 60 finite numbers of at least 0, one per image of blobs$",
        ),
        (np.full(60, np.nan), "^weights must be 60 finite numbers"),
        (np.full(60, -1), "^weights must be 60 finite numbers"),
        (["a"] * 60, "^weights must be 60 finite numbers"),
        (
            np.zeros(60),
            "^weights are all 0, so no image is used; give at least one image a weight above 0$",
        ),
    ],
)
def test_invalid_weights_are_refused(weights: Any, sentence: str) -> None:
    data = blobs(count=60)
    with pytest.raises(hg.DataError, match=sentence):
        hg.fit(small_net(data), data, weights=weights)


def test_invalid_arguments_are_refused_before_training() -> None:
    data = blobs()
    net = small_net(data)
    before = net.snapshot()

    def refused(error: type[Exception], sentence: str, *args: Any, **settings: Any) -> None:
        with pytest.raises(error, match=sentence):
            hg.fit(net, *args, **settings)

    others = hg.Dataset(data.images, data.labels % 2, ("a", "b"), "others")
    wide = np.pad(data.images, ((0, 0), (0, 0), (0, 1), (0, 1)))
    larger = hg.Dataset(wide, data.labels, data.classes, "larger")
    one = hg.Dataset(data.images[:5], np.zeros(5, np.int64), data.classes, "one")
    refused(hg.DataError, "others has 2 classes, but the network has 3", others)
    refused(hg.DataError, r"the network takes images \(N, 1, 3, 3\)", larger)
    refused(hg.DataError, "all images belong to the class", one, validation=None)
    refused(
        hg.DataError,
        "90 images are fewer than one batch of 91",
        data,
        validation=None,
        batch_size=91,
    )
    refused(hg.DataError, "others has 2 classes", data, validation=others)
    refused(hg.ConfigError, "unknown setting 'epoch'; did you mean 'epochs'", data, epoch=3)
    refused(
        hg.DataError, "expected a Dataset, not a tuple; make one: Dataset.from_arrays", data[:9]
    )
    with pytest.raises(
        hg.ModelError, match=r"expected a Network or a Classifier, not a list; write hg.Class"
    ):
        hg.fit(list(net.layers), data)
    refused(
        hg.DataError,
        "validation must be a Dataset, a fraction or None, not 'x'",
        data,
        validation="x",
    )
    refused(
        hg.ConfigError,
        "validation must be a fraction above 0 and below 1, not 1.5",
        data,
        validation=1.5,
    )
    refused(hg.ConfigError, "no engine 'fast'; choose one of", data, engine="fast")
    assert arrays_equal(net.snapshot(), before)
