"""A resumed run equals an uninterrupted run, bit for bit."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from tests.extras import needs
from tests.train.blobs import blobs, small_net
from tests.train.interrupted import assert_same, run_with_stops, signalled


def images(count: int = 150, side: int = 14) -> hg.Dataset:
    """Return images (count, 1, side, side) of three classes; most pixels are zero."""
    rng = np.random.default_rng(3)
    labels = np.arange(count) % 3
    shape = count, 1, side, side
    X = rng.integers(0, 256, shape) * (rng.random(shape) < 0.25)
    X[np.arange(count), 0, labels * 4, 5:9] = 255
    return hg.Dataset.from_arrays(X.astype(np.uint8), labels, name="strokes")


def convnet() -> list[Any]:
    """Return a convolutional network with dropout, batch norm and other state."""
    return [
        hg.Normalize(),
        hg.Conv2d(4, 3),
        hg.BatchNorm(),
        hg.ReLU(),
        hg.MaxPool2d(2),
        hg.Dropout2d(0.2),
        hg.Flatten(),
        hg.Dense(16),
        hg.BatchNorm(),
        hg.ReLU(),
        hg.Dropout(0.3),
        hg.Dense(),
    ]


def trained(engine: str, **options: Any) -> tuple[hg.Network, hg.History]:
    """Train on augmented images with 9 steps per epoch; the last batch has 7 images."""
    data = images()
    net = hg.Network(convnet(), data.shape, len(data.classes), seed=1)
    settings: dict[str, Any] = {
        "epochs": 4,
        "batch_size": 16,
        "optimizer": hg.Adam(0.01),
        "schedule": hg.schedules.OneCycle(),
        "engine": engine,
        "augment": "drawings,flip=true,erase=0.3",
        "average_weights": 1.3,
    }
    return net, hg.fit(net, data, validation=0.1, **settings | options)


@pytest.mark.parametrize("stops", [[5], [4, 13], [3, 17, 26]])
@pytest.mark.parametrize("engine", ["reference", "compiled", "torch:cpu"])
def test_resumed_run_equals_an_uninterrupted_run(
    engine: str, stops: list[int], tmp_path: Path
) -> None:
    if engine.startswith("torch"):
        needs("torch")
    if engine == "compiled":
        pytest.importorskip("numba")
    found = run_with_stops(lambda **o: trained(engine, **o), tmp_path, stops)
    assert_same(trained(engine), found)


@pytest.mark.slow
@pytest.mark.parametrize("stops", [[35], [11, 50], [7, 31, 77]])
@pytest.mark.parametrize("engine", ["reference", "compiled", "torch:cpu"])
def test_resumed_convnet_equals_an_uninterrupted_one(
    engine: str, stops: list[int], tmp_path: Path
) -> None:
    def fit(**options: Any) -> tuple[hg.Network, hg.History]:
        first, *layers = hg.models.convnet()
        noisy = [first, hg.BatchNorm(), *layers[:-1], hg.Dropout(0.25), layers[-1]]
        data = images(1000, 28)
        net = hg.Network(noisy, data.shape, len(data.classes), seed=2)
        settings: dict[str, Any] = {
            "optimizer": hg.Adam(0.003),
            "schedule": hg.schedules.OneCycle(),
        }
        settings |= {"augment": "drawings", "epochs": 5, "batch_size": 50, "engine": engine}
        settings |= {"average_weights": 1.5}
        return net, hg.fit(net, data, **settings | options)

    assert_same(fit(), run_with_stops(fit, tmp_path, stops))


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": hg.SGD(0.1), "clip_norm": 0.5, "class_weights": "balanced"},
        {
            "optimizer": hg.Momentum(0.05, nesterov=True),
            "schedule": hg.schedules.Plateau(patience=1),
        },
        {"optimizer": hg.AdamW(0.2), "patience": 2, "epochs": 9},
        {"patience": None, "loss": hg.SoftmaxCrossEntropy(0.1)},
        {"patience": None, "average_weights": None, "augment": None},
    ],
    ids=["sgd", "plateau", "early-stopping", "to-the-end", "plain"],
)
def test_resuming_works_with_all_kinds_of_settings(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    found = run_with_stops(lambda **o: trained("reference", **settings | o), tmp_path, [6, 12])
    assert_same(trained("reference", **settings), found)


def test_checkpoints_do_not_change_the_run(tmp_path: Path) -> None:
    assert_same(trained("reference"), trained("reference", checkpoint=tmp_path))


def test_resuming_a_finished_run_does_nothing(tmp_path: Path) -> None:
    seen: list[hg.Epoch] = []
    first = trained("reference", checkpoint=tmp_path)
    again = trained("reference", checkpoint=tmp_path, resume=True, on_epoch=seen.append)
    assert_same(first, again)
    assert seen == []


def test_signal_during_validation_loses_no_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = hg.train.run.evaluate  # type: ignore[attr-defined]
    calls: list[int] = []

    def spy(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return judge(*args, **options)

    monkeypatch.setattr("handgrad.train.run.evaluate", spy)
    with pytest.raises(KeyboardInterrupt):
        trained("reference", checkpoint=tmp_path)
    found = trained("reference", checkpoint=tmp_path, resume=True)
    assert len(calls) == 2 + 3  # the second epoch is evaluated again, no step is repeated
    assert_same(trained("reference"), found)


def test_loop_over_epochs_can_be_left_and_resumed(tmp_path: Path) -> None:
    def loop() -> tuple[hg.Network, Any]:
        data = blobs()
        net = small_net(data)
        return net, hg.epochs(net, data, epochs=6, checkpoint=tmp_path, resume=True)

    first, again = [], []
    for record in loop()[1]:
        first.append(record.number)
        if record.number == 2:
            break
    net, records = loop()
    again = [record.number for record in records]
    assert (first, again) == ([1, 2], [3, 4, 5, 6])
    whole = small_net(blobs())
    hg.fit(whole, blobs(), epochs=6)
    assert all(np.array_equal(net.arrays[name], a) for name, a in whole.arrays.items())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "has the checkpoints of a run; resume it with resume=True, or choose"),
        (
            {"resume": True, "seed": 5},
            "cannot resume: seed was 0 and is now 5. Start a new run in another folder.",
        ),
    ],
)
def test_refused_run_releases_the_folder(
    options: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    data = blobs()

    def fit(**options: Any) -> None:
        hg.fit(small_net(data), data, epochs=1, checkpoint=tmp_path, **options)

    fit()
    with pytest.raises(hg.ConfigError, match=sentence) as refused:
        fit(**options)
    fit(resume=True)
    assert refused.traceback  # keep the error alive, as an interactive session does


def test_loop_locks_the_folder_from_its_first_record_until_it_is_closed(tmp_path: Path) -> None:
    data = blobs()

    def loop(**options: Any) -> Any:
        return hg.epochs(small_net(data), data, epochs=2, checkpoint=tmp_path, **options)

    with pytest.raises(hg.ConfigError, match="epochs must"):
        hg.epochs(small_net(data), data, epochs=-1, checkpoint=tmp_path)
    idle = loop()
    begun = loop()
    assert next(begun).number == 1
    with pytest.raises(hg.ConfigError, match="another run uses this folder, in this process or"):
        next(idle)
    begun.close()
    assert [record.number for record in loop(resume=True)] == [2]


def test_resumed_engine_makes_the_same_choice_about_zeros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    data = images()
    dark = hg.Dataset(data.images // 200 * 200, data.labels, data.classes, "dark")
    bright = hg.Dataset(255 - dark.images, data.labels, data.classes, "bright")

    def fit(**options: Any) -> tuple[hg.Network, hg.History]:
        layers = [hg.Flatten(), hg.Dense(16), hg.ReLU(), hg.Dense()]
        net = hg.Network(layers, dark.shape, len(dark.classes))
        return net, hg.fit(net, dark, validation=bright, epochs=3, engine="compiled", **options)

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("handgrad.train.run.evaluate", stopped)
        with pytest.raises(KeyboardInterrupt):
            fit(checkpoint=tmp_path)
    assert_same(fit(), fit(checkpoint=tmp_path, resume=True))


def test_changed_settings_are_named_and_refused(tmp_path: Path) -> None:
    trained("reference", checkpoint=tmp_path, epochs=1)
    with pytest.raises(
        hg.ConfigError, match=r"cannot resume: epochs was 1 and is now 3. Use the same"
    ):
        trained("reference", checkpoint=tmp_path, resume=True, epochs=3)
    with pytest.raises(
        hg.ConfigError, match=r"optimizer was Adam\(lr=0.01, .*\) and is now Adam\(lr=0.1"
    ):
        trained("reference", checkpoint=tmp_path, resume=True, epochs=1, optimizer=hg.Adam(0.1))
    with pytest.raises(
        hg.ConfigError, match=r"engine was ReferenceEngine and is now CompiledEngine"
    ):
        trained("compiled", checkpoint=tmp_path, resume=True, epochs=1)
    with pytest.raises(
        hg.ConfigError, match=r"augment was Augmentation\(.*\) and is now None. Use the"
    ):
        trained("reference", checkpoint=tmp_path, resume=True, epochs=1, augment=None)
    told = hg.CheckpointConfig(tmp_path, allow_changes=True)
    _, history = trained(
        "reference", checkpoint=told, resume=True, epochs=3, optimizer=hg.AdamW(0.02)
    )
    assert [record.number for record in history] == [1, 2, 3]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"seed": 4},
            "cannot resume: seed was 0 and is now 4. Start a new run in another folder.",
        ),
        ({"batch_size": 8}, "batch_size was 16 and is now 8. Start"),
        ({"optimizer": hg.SGD(0.1)}, "the optimizer's state was mean, square and is now nothing"),
    ],
)
def test_fixed_settings_are_refused_even_if_changes_are_allowed(
    settings: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    trained("reference", checkpoint=tmp_path, epochs=1)
    told = hg.CheckpointConfig(tmp_path, allow_changes=True)
    with pytest.raises(hg.ConfigError, match=sentence):
        trained("reference", checkpoint=told, resume=True, **{"epochs": 1} | settings)


def test_resuming_with_other_images_or_layers_is_refused(tmp_path: Path) -> None:
    data = blobs()
    hg.fit(small_net(data), data, validation=None, epochs=1, checkpoint=tmp_path)
    with pytest.raises(hg.ConfigError, match="cannot resume: the training images are different"):
        hg.fit(
            small_net(data),
            blobs(seed=1),
            validation=None,
            epochs=1,
            checkpoint=tmp_path,
            resume=True,
        )
    wider = hg.Network(
        [hg.Flatten(), hg.Dense(9), hg.ReLU(), hg.Dense()], data.shape, len(data.classes)
    )
    with pytest.raises(hg.ModelError, match=r"array 1.bias has shape \(8,\), but must be \(9,\)"):
        hg.fit(wider, data, validation=None, epochs=1, checkpoint=tmp_path, resume=True)


def test_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    trained("reference", checkpoint=tmp_path, epochs=1)
    with pytest.raises(hg.ConfigError, match=r"has the checkpoints of a run; resume it"):
        trained("reference", checkpoint=tmp_path, epochs=1)
    with pytest.raises(hg.ConfigError, match=r"^resume needs checkpoint=FOLDER"):
        trained("reference", resume=True)


def test_sigterm_saves_the_run_and_exits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        signalled(patch, 12, signal.SIGTERM)
        with pytest.raises(SystemExit) as ended:
            trained("reference", checkpoint=tmp_path)
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert_same(trained("reference"), trained("reference", checkpoint=tmp_path, resume=True))
