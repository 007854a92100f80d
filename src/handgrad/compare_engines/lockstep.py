"""The match: step by step, until one engine parts from the first."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.compare_engines.compare import compare_results, compare_traces, largest
from handgrad.compare_engines.contender import Fighter
from handgrad.compare_engines.result import Difference, Duel, Parting
from handgrad.data import Dataset
from handgrad.engines import MakeEngine, Trace, TrainConfig
from handgrad.errors import ConfigError
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import Momentum, Optimizer
from handgrad.random import generator
from handgrad.train.evaluate import check_classes

NUDGES, DIGITS = 4, 16  # how often weights are nudged, and by how many units in the last place
REDRAWS = 20  # so many batches in a row are no accident
TOLERANCES = {"float64": 1e-9, "float32": 1e-3}

Batch = tuple[NDArray[Any], NDArray[np.integer[Any]]]
Found = dict[str, list[Difference]]  # by the engine that is held against the first


def duel(
    net: Network,
    train: Dataset,
    test: Dataset | None = None,
    *,
    engines: Sequence[str] | Mapping[str, str | MakeEngine] = ("reference", "torch"),
    steps: int = 200,
    batch_size: int = 64,
    optimizer: Optimizer = Momentum(),
    loss: Loss = SoftmaxCrossEntropy(),
    tolerance: float | None = None,
    seed: int = 0,
    on_step: Callable[[int], None] | None = None,
) -> Duel:
    """Let engines train copies of a network in lock-step, until one parts from the first.

    Args:
        net: the network; it is not changed, except that it is measured.
        train: the images to learn from.
        test: the images to judge by at the end; None: none.
        engines: their names; or names with what makes them.
        steps: how many updates each makes.
        batch_size: how many images make one update.
        optimizer: the rule that renews the parameters; its learning rate stays as it is.
        loss: what is made small.
        tolerance: how large a relative difference may be; None: 1e-9 in float64, 1e-3 in float32.
        seed: decides order and dropout.
        on_step: called with the number of steps made, after each.

    Raises:
        ConfigError: if there are not two engines, or a setting is out of range.
        DataError: if the images do not fit the network.
        DivergenceError: if a number is not finite any more.
    """
    if len(set(engines)) < 2:
        raise ConfigError("a duel needs two engines; give such as reference,torch")
    if steps < 1:
        raise ConfigError(f"steps must be at least 1, not {steps}")
    if tolerance is None:
        tolerance = TOLERANCES[net.dtype.name]
    if not 0 < tolerance < np.inf:
        raise ConfigError(f"tolerance must be above 0 and finite, not {tolerance:g}")
    check_classes(net, train)
    train.check_trainable(batch_size)
    if not net.measured:
        net.measure(train.images)
    makers = dict(engines) if isinstance(engines, Mapping) else {name: name for name in engines}
    config = TrainConfig(loss, optimizer, None, seed)
    match = _Match([Fighter(name, net, config, make) for name, make in makers.items()], tolerance)
    for X, y in _batches(train, batch_size, seed):
        if match.pass_over(X, y):
            continue
        match.step(X, y, optimizer.lr)
        if on_step is not None:
            on_step(match.steps)
        if match.parting is not None or match.steps == steps:
            break
    return match.result(test)


class _Match:
    """Engines in lock-step, and what has been found so far.

    Args:
        sides: the engines.
        tolerance: how large a relative difference may be.

    Attributes:
        parting: where they parted; None: nowhere so far.
    """

    def __init__(self, sides: Sequence[Fighter], tolerance: float) -> None:
        self.parting: Parting | None = None
        self._first, *self._others = sides
        self._tolerance = tolerance
        self._found: Found = {}
        self._differences: dict[str, list[dict[str, float]]] = {o.name: [] for o in self._others}
        self._kinks, self._in_a_row = 0, 0

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return self._first.steps

    def pass_over(self, X: NDArray[Any], y: NDArray[np.integer[Any]]) -> bool:
        """Compare what a step would compute, and say whether the batch says nothing."""
        trace = self._first.inspect(X, y)
        self._found = {o.name: self._apart(trace, o.inspect(X, y)) for o in self._others}
        parted = _first_parted(self._found, self._tolerance)
        torn = (
            parted is not None and self._in_a_row < REDRAWS and self._is_torn(X, y, trace, *parted)
        )
        self._in_a_row = self._in_a_row + 1 if torn else 0
        self._kinks += torn
        return torn

    def step(self, X: NDArray[Any], y: NDArray[np.integer[Any]], lr: float) -> None:
        """Make a step on the batch, and compare what came out as well."""
        loss, *losses = (side.step(X, y, lr) for side in (self._first, *self._others))
        for other, loss_there in zip(self._others, losses, strict=True):
            found = self._found[other.name]
            found += compare_results(self._first.net, other.net, loss, loss_there)
            self._differences[other.name].append(largest(found))
        parted = _first_parted(self._found, self._tolerance)
        if parted is not None:
            self.parting = Parting(self.steps - 1, *parted)

    def result(self, test: Dataset | None) -> Duel:
        """Return what was found, and judge the engines by test images."""
        sides = [side.result(test) for side in (self._first, *self._others)]
        return Duel(self._tolerance, self._differences, self.parting, sides, self._kinks)

    def _is_torn(
        self,
        X: NDArray[Any],
        y: NDArray[np.integer[Any]],
        trace: Trace,
        engine: str,
        parted: Difference,
    ) -> bool:
        """Say whether a gradient jumps of itself, at least half as far, when weights are nudged.

        By turns the first engine's weights are nudged, and those of the other engine, which are
        as far away as rounding has driven them so far.
        """
        if parted.kind != "gradients":
            return False
        first, rng = self._first, np.random.default_rng(self.steps)
        other = next(side for side in self._others if side.name == engine)
        size = DIGITS * np.finfo(first.net.dtype).eps
        jumps = []
        for side in NUDGES * (first, other):
            near = side.net.snapshot()
            for name in side.net.parameters:
                near[name] *= 1 + rng.uniform(-size, size, near[name].shape)
            nudged = self._apart(trace, first.inspect(X, y, near))
            jumps += [d.value for d in nudged if d[:3] == parted[:3]]
        return max(jumps) >= parted.value / 2

    def _apart(self, ours: Trace, theirs: Trace) -> list[Difference]:
        return list(compare_traces(self._first.net.layers, ours, theirs))


def _batches(train: Dataset, size: int, seed: int) -> Iterator[Batch]:
    """Yield batches in the order in which `fit` takes them, epoch after epoch."""
    for number in itertools.count(1):
        order = generator(seed, "shuffle", number).permutation(len(train))
        for at in range(0, len(train), size):
            yield train[order[at : at + size]]


def _first_parted(found: Found, tolerance: float) -> tuple[str, Difference] | None:
    """Return the engine and the first difference that is too large, not a number included."""
    for engine, differences in found.items():
        for difference in differences:
            if not difference.value <= tolerance:
                return engine, difference
    return None
