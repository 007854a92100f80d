"""`handgrad.compare_engines`: compares engines step by step, until one differs from the first."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data import Dataset
from handgrad.engine_comparison.difference import compare_results, compare_traces, largest
from handgrad.engine_comparison.engine_run import EngineRun
from handgrad.engine_comparison.result import Difference, Divergence, EngineComparison
from handgrad.engines import MakeEngine, Trace, TrainConfig
from handgrad.errors import ConfigError
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import Momentum, Optimizer
from handgrad.random import generator
from handgrad.train.evaluate import check_classes

PERTURBATIONS, UNITS = 4, 16  # how often weights are perturbed, by how many units in the last place
MAX_SKIPPED = 20  # more consecutive batches on a kink are no coincidence
TOLERANCES = {"float64": 1e-9, "float32": 1e-3}

Batch = tuple[NDArray[Any], NDArray[np.integer[Any]]]
Differences = dict[str, list[Difference]]  # by the engine that is compared with the first


def compare_engines(
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
    watch: Callable[[Sequence[EngineRun]], None] | None = None,
) -> EngineComparison:
    """Train copies of a network in several engines and compare them after each update.

    The comparison stops at the first difference that exceeds the tolerance.

    Args:
        net: the network; it is not changed, except that its `Normalize` layers are fitted.
        train: the training images.
        test: the test images on which the final accuracy is measured, or None to omit the accuracy.
        engines: the names of the engines; or a mapping from names in the report to engine names or
            functions that create an engine. All engines are compared with the first one.
        steps: the number of updates.
        batch_size: the number of images per update.
        optimizer: the optimizer; its learning rate stays constant.
        loss: the loss function.
        tolerance: the largest relative difference that is accepted, or None for the default: 1e-9
            in float64, 1e-3 in float32.
        seed: the seed of the image order and of the dropout masks.
        on_step: a function that is called after each step with the number of steps done so far.
        watch: a function that is called after each step with the engines, in the given order; each
            has the attributes `name`, `net` (its copy of the network after the step) and `seconds`
            (the duration of each step so far).

    Raises:
        ConfigError: if there are fewer than two engines, or a setting is out of range.
        DataError: if the images do not fit the network.
        DivergenceError: if a number becomes NaN or infinite.
    """
    if len(set(engines)) < 2:
        raise ConfigError("a comparison needs two different engines, such as reference,torch")
    if steps < 1:
        raise ConfigError(f"steps must be at least 1, not {steps}")
    tolerance = _checked_tolerance(tolerance, net)
    check_classes(net, train)
    train.check_trainable(batch_size)
    if not net.is_fitted:
        net.fit_statistics(train.images)
    makers = dict(engines) if isinstance(engines, Mapping) else {name: name for name in engines}
    config = TrainConfig(loss, optimizer, None, seed)
    runs = [EngineRun(name, net, config, make) for name, make in makers.items()]
    lockstep = _Lockstep(runs, tolerance)
    for X, y in _batches(train, batch_size, seed):
        if lockstep.is_on_kink(X, y):
            continue
        lockstep.step(X, y, optimizer.lr)
        if on_step is not None:
            on_step(lockstep.steps)
        if watch is not None:
            watch(runs)
        if lockstep.divergence is not None or lockstep.steps == steps:
            break
    return lockstep.result(test)


class _Lockstep:
    """The engines, which all do the same steps, and the differences found so far.

    Args:
        runs: the engines; all are compared with the first one.
        tolerance: the largest relative difference that is accepted.

    Attributes:
        divergence: the first difference that exceeds the tolerance, or None if none has so far.
    """

    def __init__(self, runs: Sequence[EngineRun], tolerance: float) -> None:
        self.divergence: Divergence | None = None
        self._first, *self._others = runs
        self._tolerance = tolerance
        self._current: Differences = {}
        self._differences: dict[str, list[dict[str, float]]] = {o.name: [] for o in self._others}
        self._skipped, self._in_a_row = 0, 0

    @property
    def steps(self) -> int:
        """The number of steps done so far."""
        return self._first.steps

    def is_on_kink(self, X: NDArray[Any], y: NDArray[np.integer[Any]]) -> bool:
        """Compare the intermediate results for a batch; return whether it must be skipped."""
        trace = self._first.inspect(X, y)
        self._current = {o.name: self._compare(trace, o.inspect(X, y)) for o in self._others}
        exceeding = _first_exceeding(self._current, self._tolerance)
        skip = (
            exceeding is not None
            and self._in_a_row < MAX_SKIPPED
            and self._jumps(X, y, trace, *exceeding)
        )
        self._in_a_row = self._in_a_row + 1 if skip else 0
        self._skipped += skip
        return skip

    def step(self, X: NDArray[Any], y: NDArray[np.integer[Any]], lr: float) -> None:
        """Do one training step on the batch in every engine, and compare the results."""
        loss, *losses = (run.step(X, y, lr) for run in (self._first, *self._others))
        for other, other_loss in zip(self._others, losses, strict=True):
            differences = self._current[other.name]
            differences += compare_results(self._first.net, other.net, loss, other_loss)
            self._differences[other.name].append(largest(differences))
        exceeding = _first_exceeding(self._current, self._tolerance)
        if exceeding is not None:
            self.divergence = Divergence(self.steps - 1, *exceeding)

    def result(self, test: Dataset | None) -> EngineComparison:
        """Return the result, including the engines' accuracy on the test images."""
        summaries = [run.summary(test) for run in (self._first, *self._others)]
        return EngineComparison(
            self._tolerance, self._differences, self.divergence, summaries, self._skipped
        )

    def _jumps(
        self,
        X: NDArray[Any],
        y: NDArray[np.integer[Any]],
        trace: Trace,
        engine: str,
        exceeding: Difference,
    ) -> bool:
        """Return whether the difference in a gradient may come from a kink.

        It may come from a kink if perturbing the weights changes the gradient by at least half of
        the difference. The weights of the first and of the other engine are perturbed in turn,
        because the two already differ by the rounding errors of the earlier steps.
        """
        if exceeding.kind != "gradients":
            return False
        first, rng = self._first, np.random.default_rng(self.steps)
        other = next(run for run in self._others if run.name == engine)
        size = UNITS * np.finfo(first.net.dtype).eps
        jumps = []
        for run in PERTURBATIONS * (first, other):
            near = run.net.snapshot()
            for name in run.net.parameters:
                near[name] *= 1 + rng.uniform(-size, size, near[name].shape)
            perturbed = self._compare(trace, first.inspect(X, y, near))
            jumps += [d.value for d in perturbed if d[:3] == exceeding[:3]]
        return max(jumps) >= exceeding.value / 2

    def _compare(self, ours: Trace, theirs: Trace) -> list[Difference]:
        return list(compare_traces(self._first.net.layers, ours, theirs))


def _checked_tolerance(tolerance: float | None, net: Network) -> float:
    """Return the tolerance, or the default one for the network's dtype."""
    if tolerance is None:
        return TOLERANCES[net.dtype.name]
    if not 0 < tolerance < np.inf:
        raise ConfigError(f"tolerance must be above 0 and finite, not {tolerance:g}")
    return tolerance


def _batches(train: Dataset, size: int, seed: int) -> Iterator[Batch]:
    """Yield batches indefinitely, in the same order as in `fit`."""
    for number in itertools.count(1):
        order = generator(seed, "shuffle", number).permutation(len(train))
        for at in range(0, len(train), size):
            yield train[order[at : at + size]]


def _first_exceeding(found: Differences, tolerance: float) -> tuple[str, Difference] | None:
    """Return the first difference that is NaN or exceeds the tolerance, and its engine."""
    for engine, differences in found.items():
        for difference in differences:
            if not difference.value <= tolerance:
                return engine, difference
    return None
