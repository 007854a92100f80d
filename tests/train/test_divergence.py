"""A non-finite value stops the run, is located in its step and layer, and is never saved.

All 200 runs: `python -m pytest -m slow tests/train/test_divergence.py`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.layers import Array, Context, Params, Shape
from handgrad.network import layer_name
from handgrad.train.checkpoint.file import read_checkpoint
from handgrad.train.checkpoint.state import tensors
from tests import extras
from tests.train.test_resume import images

ENGINES = ["reference", "compiled", "torch:cpu"]
SIZE = 16


@dataclass(frozen=True)
class Poison:
    """Y = X, but in one step Y or dX is not finite, as in a faulty user layer."""

    step: int
    where: str
    what: float
    times: list[int] = field(default_factory=lambda: [10**9], compare=False)

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        return {}, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Any]:
        now = ctx.training and ctx.step == self.step and self.times[0] > 0
        return self._spoilt(X) if now and self.where == "output" else X, now

    def backward(self, params: Params, cache: Any, dY: Array) -> tuple[Array, Params]:
        if cache:
            self.times[0] -= 1
        return self._spoilt(dY) if cache and self.where == "gradient" else dY, {}

    def _spoilt(self, X: Array) -> Array:
        return np.full_like(X, self.what)


def layers() -> list[Any]:
    return [
        hg.Normalize(),
        hg.Conv2d(4, 3),
        hg.BatchNorm(),
        hg.ReLU(),
        hg.MaxPool2d(2),
        hg.Flatten(),
        hg.Dense(12),
        hg.BatchNorm(),
        hg.Tanh(),
        hg.Dropout(0.2),
        hg.Dense(8),
        hg.ReLU(),
        hg.Dense(),
    ]


def by_a_layer(rng: random.Random, engine: str, folder: Path) -> tuple[tuple[int, str], Any]:
    """Insert a layer that fails in a random step; return the step, the layer and the error."""
    step, place = rng.randrange(27), rng.randrange(2, 13)
    where = rng.choice(["output", "gradient"])
    # The next layer may turn an infinite output into a finite one.
    what = np.nan if where == "output" else rng.choice([np.nan, np.inf])
    poison = Poison(step, where, what)
    chain = layers()
    chain.insert(place, poison)
    data = images()
    net = hg.Network(chain, data.shape, len(data.classes), seed=step)
    with pytest.raises(hg.DivergenceError) as caught:
        hg.fit(
            net,
            data,
            epochs=3,
            batch_size=SIZE,
            seed=step,
            engine=engine,
            checkpoint=hg.CheckpointConfig(folder, minutes=1e-9),
        )
    return (step, layer_name(net.layers, place)), caught.value


def by_an_array(rng: random.Random, engine: str, folder: Path) -> tuple[tuple[int, str], Any]:
    """Set a value of a random array to NaN or infinity between two epochs of one step."""
    step = rng.randrange(1, 9)
    data = images(48)
    net = hg.Network(layers(), data.shape, len(data.classes), seed=step)
    name = rng.choice([name for name in net.arrays if not name.startswith("0.")])
    index = int(name.partition(".")[0])

    def train() -> None:
        run = hg.epochs(
            net,
            data,
            validation=None,
            epochs=20,
            batch_size=48,
            patience=None,
            engine=engine,
            optimizer=rng.choice([hg.Adam(), hg.Momentum(), hg.SGD()]),
            checkpoint=hg.CheckpointConfig(folder, minutes=1e-9),
        )
        for record in run:
            if record.number == step:
                array = net.arrays[name]
                place = tuple(rng.randrange(size) for size in array.shape)
                array[place] = rng.choice([np.nan, np.inf, -np.inf])

    with pytest.raises(hg.DivergenceError) as caught:
        train()
    return (step, layer_name(net.layers, index)), caught.value


def by_an_update(rng: random.Random, _: str, folder: Path) -> tuple[tuple[int, str], Any]:
    """Let PyTorch's update set a value of a random array to NaN or infinity."""
    import torch

    from handgrad.engines.torch import TorchEngine

    data = images()
    net = hg.Network(layers(), data.shape, len(data.classes), seed=1)
    step, name = rng.randrange(27), rng.choice(list(net.parameters))
    what = rng.choice([np.nan, np.inf, -np.inf])

    class Faulty(TorchEngine):
        def _gradients(self, batch: Any, now: int, *more: Any) -> Any:
            self.now = now
            return super()._gradients(batch, now, *more)

        def _update(self, lr: float) -> None:
            super()._update(lr)
            if self.now == step:
                with torch.no_grad():
                    array = self._parameters[name].view(-1)
                    array[rng.randrange(len(array))] = what

    with pytest.raises(hg.DivergenceError) as caught:
        hg.fit(
            *(net, data),
            epochs=3,
            batch_size=SIZE,
            engine=lambda net, rules: Faulty(net, rules, device="cpu"),
            checkpoint=hg.CheckpointConfig(folder, minutes=1e-9),
        )
    return (step, layer_name(net.layers, int(name.partition(".")[0]))), caught.value


def spoilt_run(number: int, folder: Path) -> None:
    """Make a run diverge, and check that the error names the step and the layer."""
    rng = random.Random(number)
    engine = ENGINES[number % 3]
    other = by_an_update if engine.startswith("torch") else by_a_layer
    spoil = rng.choice([other, by_an_array])
    (step, layer), error = spoil(rng, engine, folder)
    assert (error.step, error.layer) == (step, layer), (number, engine, spoil, str(error))
    assert str(error).startswith(f"step {step}, {layer}: ")
    files = list(folder.glob("checkpoint-*"))
    assert files
    for path in files:
        state, _ = read_checkpoint(path)
        assert state.steps <= step
        assert all(np.isfinite(array).all() for array in tensors(state).values())


def needs(number: int) -> None:
    """Skip a test if the engine is not installed."""
    if number % 3 == 1:
        pytest.importorskip("numba")
    if number % 3 == 2:
        extras.needs("torch")


@pytest.mark.parametrize("number", range(12))
def test_divergence_is_located_and_checkpoints_stay_finite(number: int, tmp_path: Path) -> None:
    needs(number)
    spoilt_run(number, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(200))
def test_divergence_in_200_random_runs(number: int, tmp_path: Path) -> None:
    needs(number)
    spoilt_run(number, tmp_path)


def test_diverged_run_resumes_from_the_last_good_checkpoint(tmp_path: Path) -> None:
    data = images()

    def fit(poison: Poison) -> tuple[hg.Network, hg.History]:
        net = hg.Network([*layers()[:5], poison, *layers()[5:]], data.shape, len(data.classes))
        options: dict[str, Any] = {"checkpoint": tmp_path, "resume": True, "engine": "reference"}
        return net, hg.fit(net, data, epochs=3, batch_size=SIZE, **options)

    with pytest.raises(hg.DivergenceError, match=r"^step 12, 5 \(Poison\): its output is not"):
        fit(Poison(12, "output", np.nan))
    net, history = fit(Poison(-1, "output", np.nan))
    assert len(history) == 3
    assert all(np.isfinite(array).all() for array in net.arrays.values())


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_lower_lr_rolls_back_and_halves_the_learning_rate(
    engine: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if engine == "compiled":
        pytest.importorskip("numba")
    data = images()
    poison = Poison(12, "gradient", np.nan, times=[2 if engine == "reference" else 3])
    net = hg.Network([*layers()[:6], poison, *layers()[6:]], data.shape, len(data.classes))
    history = hg.fit(
        net,
        data,
        epochs=3,
        batch_size=SIZE,
        optimizer=hg.Adam(0.01),
        engine=engine,
        on_divergence="lower-lr",
        checkpoint=tmp_path,
    )
    assert [record.lr for record in history] == [0.01, 0.005, 0.005]
    said = [message for message in caplog.messages if "returned to" in message]
    assert said == [
        "handgrad: step 12, 6 (Poison): a value is not finite; returned to step 9 and halved the "
        "learning rate (1 of at most 3 times)"
    ]


def test_lower_lr_stops_after_three_attempts(caplog: pytest.LogCaptureFixture) -> None:
    data = images()
    net = hg.Network([*layers()[:6], Poison(3, "output", np.inf), *layers()[6:]], data.shape, 3)
    before = net.snapshot()
    net.fit_statistics(data.images)
    with pytest.raises(hg.DivergenceError, match=r"^step 3, 6 \(Poison\)"):
        hg.fit(net, data, batch_size=SIZE, on_divergence="lower-lr", engine="reference")
    assert [m[-22:] for m in caplog.messages] == [f"({n} of at most 3 times)" for n in (1, 2, 3)]
    assert all(np.array_equal(net.parameters[name], before[name]) for name in net.parameters)


def test_overflow_of_the_optimizer_state_is_a_divergence(tmp_path: Path) -> None:
    data = images()
    net = hg.Network([*layers()[:6], Poison(4, "gradient", 1e25), *layers()[6:]], data.shape, 3)
    with pytest.raises(
        hg.DivergenceError, match=r"1 \(Conv2d\): the optimizer's state of (weight|bias) is not"
    ):
        hg.fit(
            *(net, data),
            batch_size=SIZE,
            engine="reference",
            checkpoint=hg.CheckpointConfig(tmp_path, minutes=1e-9),
        )


def test_on_divergence_must_be_stop_or_lower_lr() -> None:
    with pytest.raises(hg.ConfigError, match='on_divergence must be "stop" or "lower-lr", not'):
        hg.TrainConfig(on_divergence="ignore")  # type: ignore[arg-type]
