"""The duel: engines in lock-step, from the same weights, on the same batches.

At each step everything that they compute is held against each other, in the order in which it is
computed; so the first tensor that parts is where the trouble begins.

A batch may sit on a kink: two pixels of a max pooling so nearly equal that rounding decides which
one wins, and with it where the gradient goes. Such a batch says nothing about the engines. It is
known by this, that the first engine's own gradients jump as far when its weights are nudged in
their last digits; it is passed over, and the next one taken, while the tolerance stays as it is.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.data import Dataset
from handgrad.engines import Engine, Inspectable, MakeEngine, Rules, Trace, engine_named
from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network, layer_name
from handgrad.optim import Momentum, Optimizer
from handgrad.random import generator
from handgrad.training.evaluation import check_classes, evaluate

KINDS = ("loss", "activations", "gradients", "parameters")
NUDGES, DIGITS = 4, 16  # how often weights are nudged, and by how many units in the last place
REDRAWS = 20  # so many batches in a row are no accident
TOLERANCES = {"float64": 1e-9, "float32": 1e-3}


class Difference(NamedTuple):
    """How far two engines are from each other in one tensor.

    Attributes:
        kind: one of `KINDS`.
        layer: the layer's name, such as "3 (Conv2d)"; or "loss".
        tensor: the tensor's name: "Y", "dX", "dweight", "weight" and so on.
        value: the norm of the difference, relative to that of the tensor. Three are taken with
            care. A gradient or a parameter is relative to all of its layer, for the gradient of
            a bias before batch norm is nothing but rounding. Of dX of a picture it is X dX,
            summed over the places of each channel: where max pooling finds two pixels equal, dX
            may go to either. The loss is a logarithm, and its difference already relative.
    """

    kind: str
    layer: str
    tensor: str
    value: float


class Parting(NamedTuple):
    """Where an engine first went another way.

    Attributes:
        step: the update, counted from 0.
        engine: the engine that differs from the first one.
        difference: the tensor, and by how much.
    """

    step: int
    engine: str
    difference: Difference


class Side(NamedTuple):
    """How one engine did.

    Attributes:
        engine: its name.
        seconds: how long a step took, the median: of one step alone, with its arrays copied to
            where the engine wants them and back, which a whole epoch does once.
        accuracy: the share of test pictures that were right at the end; None: there were none.
    """

    engine: str
    seconds: float
    accuracy: float | None


@dataclass(frozen=True)
class Duel:
    """What a duel found.

    Attributes:
        tolerance: how large a relative difference may be.
        differences: for each engine but the first, and for each step, the largest difference of
            each kind; a kind that an engine cannot lay open is missing.
        parting: where they parted; None: nowhere.
        sides: how each engine did, the first one first.
        kinks: how many batches were passed over.
    """

    tolerance: float
    differences: dict[str, list[dict[str, float]]]
    parting: Parting | None
    sides: list[Side]
    kinks: int = 0

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return max(map(len, self.differences.values()))

    def largest(self, engine: str) -> dict[str, float]:
        """Return the largest difference of each kind over all steps."""
        records = self.differences[engine]
        return {
            kind: max(record[kind] for record in records) for kind in KINDS if kind in records[0]
        }

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        parting = None
        if self.parting is not None:
            step, engine, difference = self.parting
            parting = {"step": step, "engine": engine} | difference._asdict()
        return {
            "tolerance": self.tolerance,
            "steps": self.steps,
            "kinks": self.kinks,
            "parting": parting,
            "largest": {engine: self.largest(engine) for engine in self.differences},
            "engines": [side._asdict() for side in self.sides],
            "differences": self.differences,
        }

    def __str__(self) -> str:
        if self.parting is None:
            passed = f" (batches on a kink passed over: {self.kinks})" if self.kinks else ""
            return f"no tensor parts by more than {self.tolerance:g} in {self.steps} steps{passed}"
        step, engine, (_, layer, tensor, value) = self.parting
        where = "the loss" if tensor == "loss" else f"{tensor} of {layer}"
        return (
            f"step {step}: {engine} parts from {self.sides[0].engine} in {where} "
            f"by {value:.1e}, more than {self.tolerance:g}"
        )


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
        train: the pictures to learn from.
        test: the pictures to judge by at the end; None: none.
        engines: their names; or names with what makes them.
        steps: how many updates each makes.
        batch_size: how many pictures make one update.
        optimizer: the rule that renews the parameters; its learning rate stays as it is.
        loss: what is made small.
        tolerance: how large a relative difference may be; None: 1e-9 in float64, 1e-3 in float32.
        seed: decides order and dropout.
        on_step: called with the number of steps made, after each.

    Raises:
        ConfigError: if there are not two engines, or a setting is out of range.
        DataError: if the pictures do not fit the network.
        DivergenceError: if a number is not finite any more.
    """
    if len(set(engines)) < 2:
        raise ConfigError("a duel needs two engines; give such as reference,torch")
    if steps < 1:
        raise ConfigError(f"steps must be at least 1, not {steps}")
    if tolerance is None:
        tolerance = TOLERANCES[net.dtype.name]
    check_classes(net, train)
    train.check_trainable(batch_size)
    if not net.measured:
        net.measure(train.pictures)
    makers = dict(engines) if isinstance(engines, Mapping) else {name: name for name in engines}
    rules = Rules(loss, optimizer, None, seed)
    sides = [_Fighter(name, net, rules, make) for name, make in makers.items()]
    first, *others = sides
    differences: dict[str, list[dict[str, float]]] = {other.name: [] for other in others}
    parting: Parting | None = None
    kinks, in_a_row, batches = 0, 0, _batches(train, batch_size, seed)
    while parting is None and first.steps < steps:
        X, y = next(batches)
        traces = [side.inspect(X, y) for side in sides]
        found = {
            other.name: list(_compare_traces(traces[0], trace))
            for other, trace in zip(others, traces[1:], strict=True)
        }
        parted = _first_parted(found, tolerance)
        if parted is not None and in_a_row < REDRAWS and traces[0] is not None:
            other = next(side for side in others if side.name == parted[0])
            if first.is_torn(X, y, traces[0], other.net, parted[1]):
                kinks, in_a_row = kinks + 1, in_a_row + 1
                continue
        in_a_row = 0
        losses = [side.step(X, y, optimizer.lr) for side in sides]
        for other, loss_there in zip(others, losses[1:], strict=True):
            found[other.name] += _compare_results(first.net, other.net, losses[0], loss_there)
            differences[other.name].append(_largest(found[other.name]))
        parted = _first_parted(found, tolerance)
        parting = None if parted is None else Parting(first.steps - 1, *parted)
        if on_step is not None:
            on_step(first.steps)
    return Duel(tolerance, differences, parting, [side.result(test) for side in sides], kinks)


class _Fighter:
    """An engine with a network of its own, and a watch."""

    def __init__(self, name: str, net: Network, rules: Rules, make: str | MakeEngine) -> None:
        self.name, self.seconds = name, list[float]()
        self.net = Network(net.layers, net.shape, net.classes, dtype=net.dtype, arrays=net.arrays)
        self._engine: Engine = engine_named(make, self.net, rules)

    @property
    def steps(self) -> int:
        """How many steps it has made."""
        return self._engine.steps

    def inspect(self, X: NDArray[Any], y: NDArray[np.integer[Any]]) -> Trace | None:
        """Return what the next step would compute; None: the engine cannot say."""
        engine = self._engine
        return engine.inspect(X, y, None) if isinstance(engine, Inspectable) else None

    def is_torn(
        self,
        X: NDArray[Any],
        y: NDArray[np.integer[Any]],
        trace: Trace,
        other: Network,
        parted: Difference,
    ) -> bool:
        """Say whether a gradient jumps of itself, at least half as far, when weights are nudged.

        By turns its own weights are nudged, and those of the other engine, which are as far away
        as rounding has driven them so far.
        """
        if parted.kind != "gradients":
            return False
        arrays, rng = self.net.snapshot(), np.random.default_rng(self.steps)
        size = DIGITS * np.finfo(self.net.dtype).eps
        jumps = []
        for _ in range(NUDGES):
            for near in (self.net.snapshot(), other.snapshot()):
                for name in self.net.parameters:
                    noise = rng.uniform(-size, size, near[name].shape)
                    self.net.parameters[name] = near[name] * (1 + noise)
                nudged = _compare_traces(trace, self.inspect(X, y))
                self.net.restore(arrays)
                jumps += [d.value for d in nudged if d[:3] == parted[:3]]
        return max(jumps) >= parted.value / 2

    def step(self, X: NDArray[Any], y: NDArray[np.integer[Any]], rate: float) -> float:
        """Make a step, and return the loss before it."""
        began = time.perf_counter()
        loss, _ = self._engine.step(X, y, None, rate)
        self.seconds.append(time.perf_counter() - began)
        return loss

    def result(self, test: Dataset | None) -> Side:
        """Return how the engine did."""
        accuracy = None
        if test is not None:
            accuracy = evaluate(self.net, test, logits=self._engine.logits).accuracy
        return Side(self.name, statistics.median(self.seconds), accuracy)


def _batches(
    train: Dataset, size: int, seed: int
) -> Iterator[tuple[NDArray[Any], NDArray[np.integer[Any]]]]:
    """Yield batches in the order in which `fit` takes them, epoch after epoch."""
    for number in itertools.count(1):
        order = generator(seed, "shuffle", number).permutation(len(train))
        for at in range(0, len(train), size):
            yield train[order[at : at + size]]


def _first_parted(
    found: Mapping[str, Sequence[Difference]], tolerance: float
) -> tuple[str, Difference] | None:
    """Return the engine and the first difference that is too large, not a number included."""
    for engine, differences in found.items():
        for difference in differences:
            if not difference.value <= tolerance:
                return engine, difference
    return None


def _compare_results(
    ours: Network, theirs: Network, loss: float, other_loss: float
) -> Iterator[Difference]:
    """Yield the differences after a step: the loss, and all arrays."""
    yield Difference("loss", "loss", "loss", abs(loss - other_loss) / max(1.0, abs(loss)))
    for arrays, others in ((ours.parameters, theirs.parameters), (ours.state, theirs.state)):
        for name, value in _apart_by_layer(arrays, others).items():
            index, _, tensor = name.partition(".")
            yield Difference("parameters", layer_name(ours.layers, int(index)), tensor, value)


def _compare_traces(ours: Trace | None, theirs: Trace | None) -> Iterator[Difference]:
    """Yield the differences on the way of a step, as far as both engines lay it open."""
    if ours is None or theirs is None:
        return
    for layer, Y in ours.activations.items():
        yield Difference("activations", layer, "Y", _apart(Y, theirs.activations[layer]))
    yield from _compare_gradients(ours, theirs)


def _compare_gradients(ours: Trace, theirs: Trace) -> Iterator[Difference]:
    """Yield the differences on the way back: in each layer first its gradients, then dX."""
    apart = _apart_by_layer(ours.gradients, theirs.gradients)
    names = list(ours.activations)
    yield Difference(
        "gradients", "loss", "dlogits", _apart(ours.flows["loss"], theirs.flows["loss"])
    )
    for index, layer in reversed(list(enumerate(names))):
        for name, value in apart.items():
            first, *inner, tensor = name.split(".")
            if int(first) == index:
                yield Difference("gradients", layer, ".".join([*inner, f"d{tensor}"]), value)
        if layer in ours.flows and layer in theirs.flows:
            flows = (_flow(trace, layer, names[index - 1]) for trace in (ours, theirs))
            yield Difference("gradients", layer, "dX", _apart(*flows))


def _flow(trace: Trace, layer: str, before: str) -> Array:
    """Return dX (N, I), or of a picture Σ X dX (N, C), which no tie of max pooling moves."""
    dX = trace.flows[layer]
    return dX if dX.ndim < 4 else np.einsum("nchw,nchw->nc", trace.activations[before], dX)


def _apart(ours: Array, theirs: Array) -> float:
    """Return the norm of a difference, relative to the norm of ours."""
    return _apart_by_layer({"": ours}, {"": theirs})[""]


def _apart_by_layer(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> dict[str, float]:
    """Return the norm of each difference, relative to the norm of all arrays of the layer."""
    squares: dict[str, float] = defaultdict(float)
    for name, array in ours.items():
        squares[name.rpartition(".")[0]] += _norm(array) ** 2
    found = {}
    for name, array in ours.items():
        scale = squares[name.rpartition(".")[0]] ** 0.5
        error = _norm(array.astype(np.float64) - theirs[name])
        found[name] = error / scale if scale else float(np.inf if error else 0.0)
    return found


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array.astype(np.float64, copy=False).ravel()))


def _largest(found: list[Difference]) -> dict[str, float]:
    """Return the largest difference of each kind."""
    kinds = {difference.kind for difference in found}
    return {kind: max(d.value for d in found if d.kind == kind) for kind in KINDS if kind in kinds}
