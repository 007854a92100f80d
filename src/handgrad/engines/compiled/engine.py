"""The compiled engine: the whole network as one program."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.augment import Augmentation
from handgrad.engines.checks import checked
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower import BATCH_SIZE_ONE_RULES, LOWERING_RULES
from handgrad.engines.compiled.lower.builder import Builder
from handgrad.engines.compiled.lower.images import first_linear
from handgrad.engines.compiled.lower.parameter_layout import ParameterLayout
from handgrad.engines.compiled.lower.plan import Plan
from handgrad.engines.compiled.lower.sparsity import MIN_ZERO_SHARE, share_of_zeros
from handgrad.engines.compiled.lower.step import inference, supports_batch_size_one, training
from handgrad.engines.compiled.lower.values import InputFormat
from handgrad.engines.compiled.report.network_info import Subject
from handgrad.engines.compiled.report.report import Outline, outline
from handgrad.engines.compiled.runtime.kernel_inputs import as_taken, brought
from handgrad.engines.compiled.runtime.parameter_sync import Rows
from handgrad.engines.compiled.runtime.program import Program
from handgrad.engines.compiled.runtime.python_calls import name_python
from handgrad.engines.compiled.runtime.run_modes import in_slices, step_by_step
from handgrad.engines.compiled.runtime.step_state import STEP, STOP
from handgrad.engines.compiled.runtime.thread_pool import mind_forks
from handgrad.engines.compiled.runtime.thread_tuner import Pace
from handgrad.engines.divergence import overflowed
from handgrad.engines.protocol import BatchStream, Rules, StepResults
from handgrad.engines.reference import ReferenceEngine
from handgrad.errors import ConfigError
from handgrad.layers import Array, Dense, Layer, Residual
from handgrad.layers.chain import Chain
from handgrad.network import Network, finite
from handgrad.threads import cores

logger = logging.getLogger("handgrad")

_INFER = 256  # how many images inference takes at a time
_FEW = 4  # images that leave most lanes empty: NumPy has their logits sooner


class CompiledEngine:
    """Runs whole epochs in machine code; equal to `ReferenceEngine`, and faster.

    The network's arrays are the truth between calls. During a run they live in rows of the
    engine's own, in the order that the kernels like, and are copied back at its end. Several
    threads may call it: they take turns.

    Args:
        net: the network, of float32; its arrays are changed in place.
        rules: how to train.
        workers: how many threads; None: one for each core that this process may use. The result
            does not depend on it.
        skip_zeros: whether the first linear layer skips pixels that are zero; None: where at
            least 70 % of the first images' pixels are.

    Attributes:
        worth_meeting: the multiply-adds of a step, up to which one worker is as fast as two.
        worth_starting: the same of a run.

    Raises:
        ConfigError: where the network is not of float32.
    """

    worth_meeting = 200_000
    worth_starting = 10_000_000

    def __init__(
        self,
        net: Network,
        rules: Rules,
        *,
        workers: int | None = None,
        skip_zeros: bool | None = None,
    ) -> None:
        if net.dtype != np.float32:
            raise ConfigError(
                f"the compiled engine works in float32, not {net.dtype}; "
                "take engine='reference' for it"
            )
        self.net, self.rules, self.steps = net, rules, 0
        self.workers = workers or cores()
        self.skip_zeros = skip_zeros
        self.optimizer_state = {
            name: {kind: np.zeros_like(array) for kind in rules.optimizer.state_names}
            for name, array in net.parameters.items()
        }
        leaves = list(_leaves(net.layers))
        linear = {f"{name}weight" for name, layer in leaves if type(layer) is Dense}
        others = tuple(name for name, layer in leaves if type(layer) not in LOWERING_RULES)
        alone = {name for name in net.parameters if name.startswith(others)}
        first = first_linear(net.layers)
        name = None if first is None else f"{first}.weight"
        self._store = ParameterLayout(
            net.parameters, rules.optimizer.state_names, linear, alone, name
        )
        self._rows = Rows(self._store)
        self._single = supports_batch_size_one(net, self._store, rules)
        self._programs: dict[Any, tuple[Builder, Program]] = {}
        self._paces: dict[Program, Pace] = {}
        self._said: set[str] = set()
        self._turn = threading.RLock()
        mind_forks(self)

    def begin_anew(self) -> None:
        """Forget, in a forked child, the run that a thread of the parent was in the middle of."""
        if self._turn.acquire(blocking=False):
            self._turn.release()
            return
        self._turn = threading.RLock()
        self._programs.clear()
        self._paces.clear()
        self._rows.forget()

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what a copy, or a pickle, is made of; its programs are built anew."""
        own = partial(type(self), workers=self.workers, skip_zeros=self.skip_zeros)
        return (
            own,
            (self.net, self.rules),
            {"steps": self.steps, "optimizer_state": self.optimizer_state},
        )

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, lr: float
    ) -> tuple[float, int]:
        """Make one update, and return the loss and how many were right, both before it."""
        steps = self.run(BatchStream(X, y, weights, np.arange(len(X)), len(X), [lr]))
        return float(steps.losses[0]), int(steps.right[0])

    def run(self, batches: BatchStream) -> StepResults:
        """Make one update for each batch, and return what came out."""
        with self._turn:
            return self._run(batches)

    def _run(self, batches: BatchStream) -> StepResults:
        """Make the updates, it being this thread's turn."""
        batches = checked(batches, self.net)
        count = -(-len(batches.order) // batches.size)
        if not count and len(batches.images):
            self._skips(batches.images)  # the first that are seen decide, step or no step
        if count == 0 or not self._has_class_weights():
            return self._by_reference(batches)
        augmentation = None if batches.moves is None else batches.moves.augmentation
        if augmentation is not None:
            self._say(f"images are augmented by {augmentation}")
        builder, program = self._program(
            batches.images, batches.size, learning=True, augmentation=augmentation
        )
        steps = StepResults(np.zeros(count), np.zeros(count, np.int64))
        program.set_run_arguments(**brought(batches, steps, self.rules, len(self.net.classes)))
        program.start(self.steps)
        self._take(builder)
        self._rows.forget()
        nonfinite = program.array(builder.nonfinite)
        nonfinite[...] = 0
        before, done = self.steps, False
        try:
            done = self._go(program, count)
        finally:
            try:
                self._give(program, before)
            except (KeyboardInterrupt, SystemExit):  # half of it would be neither old nor new
                self._give(program, before)
                raise
        if nonfinite.any():
            raise overflowed(self.net, self.steps - 1)
        if not done:
            self._go_on(batches, steps, self.steps - before)
        return steps

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), as they are at inference."""
        X = self.net.as_images(X)
        if len(X) <= _FEW:
            return self.net.logits(X)
        X = finite(X, self.net.dtype)
        with self._turn:
            return self._logits(X)

    def _logits(self, X: NDArray[Any]) -> Array:
        """Return the logits of many images, it being this thread's turn."""
        logits = np.zeros((len(X), len(self.net.classes)), np.float32)
        builder, program = self._program(X, min(len(X), _INFER), learning=False)
        count = -(-len(X) // _INFER)
        program.set_run_arguments(
            images=as_taken(X),
            order=np.arange(len(X)),
            lrs=np.zeros(count, np.int64),
            weighted=0,
            **dict.fromkeys(("labels", "weights", "class_weights"), 0),
            total=len(X),
            size=_INFER,
            logits=logits,
        )
        program.start(0)
        self._take(builder)
        self._go(program, count)
        return logits

    def plan(
        self,
        batch_size: int,
        *,
        skip_zeros: bool,
        learning: bool = True,
        augmentation: Augmentation | None = None,
    ) -> Plan:
        """Return the plan for batches of a size; `outline` says the same to be read.

        Args:
            batch_size: how many images make a batch.
            skip_zeros: whether the first linear layer is to skip pixels that are zero.
            learning: whether to train, or only to go forward as at inference.
            augmentation: how the images are to be changed at random; None: not at all.
        """
        source = self._source(batch_size, True, skip_zeros, learning)
        source = source._replace(augmentation=augmentation)
        return self._build(source, -(-batch_size // LANES), learning).plan

    def outline(self, batch_size: int, *, learning: bool = True, **how: Any) -> Outline:
        """Return the plan in words and numbers; the arguments are those of `plan`."""
        plan = self.plan(batch_size, learning=learning, **how)
        subject = Subject.of(self.net, self._store.slots)
        return outline(plan, subject, batch_size, self.workers, learning)

    def _build(self, source: InputFormat, chunks: int, learning: bool) -> Builder:
        rules_by_layer = BATCH_SIZE_ONE_RULES if source.batch_size_one else LOWERING_RULES
        builder = Builder(self.net, self._store, source, chunks, learning, rules_by_layer)
        if learning:
            training(builder, self.rules)
        else:
            inference(builder)
        return builder

    def _program(
        self,
        images: NDArray[Any],
        size: int,
        *,
        learning: bool,
        augmentation: Augmentation | None = None,
    ) -> tuple[Builder, Program]:
        """Return the program for images of this kind, in batches of at least this size."""
        chunks = -(-size // LANES)
        is_uint8 = images.dtype == np.uint8
        source = self._source(size, is_uint8, self._skips(images), learning)
        source = source._replace(augmentation=augmentation)
        key = (source, learning, chunks == 1)
        known = self._programs.get(key)
        if known is None or known[0].plan.chunks < chunks:
            builder = self._build(source, chunks, learning)
            self._programs[key] = known = builder, Program(builder.plan, self.workers)
            name_python(builder.plan, self.rules, self._said)
        return known

    def _source(self, size: int, is_uint8: bool, sparse: bool, learning: bool) -> InputFormat:
        """Return how the images come, and whether one alone."""
        batch_size_one = size == 1 and learning and is_uint8 and sparse and self._single
        return InputFormat(is_uint8, sparse, batch_size_one)

    def _skips(self, images: NDArray[Any]) -> bool:
        """Say whether to skip zeros; the first images that are seen decide."""
        if self.skip_zeros is None:
            share = share_of_zeros(images)
            self.skip_zeros = share >= MIN_ZERO_SHARE
            if first_linear(self.net.layers) is not None:
                way = (
                    "are skipped"
                    if self.skip_zeros
                    else f"are not skipped below {MIN_ZERO_SHARE:.0%}"
                )
                self._say(f"{share:.0%} of the pixels are zero, and {way}")
        return self.skip_zeros and first_linear(self.net.layers) is not None

    def _has_class_weights(self) -> bool:
        """Say whether there is a weight for each class, if there are any."""
        own = getattr(self.rules.loss, "class_weights", None)
        return own is None or len(own) == len(self.net.classes)

    def _say(self, sentence: str) -> None:
        """Say to those who listen, once, how the work is done."""
        if sentence not in self._said:
            self._said.add(sentence)
            logger.info("handgrad: compiled engine: %s", sentence)

    def _go(self, program: Program, count: int) -> bool:
        """Run the program; where Python has a part in it, phase by phase."""
        phases = program.plan.phases
        if all(phase.kind is not Kind.PYTHON for phase in phases):
            work = program.plan.multiply_adds * program.plan.chunks * LANES
            enough = work > self.worth_meeting and count * work > self.worth_starting
            if not enough or self.workers == 1:
                self._say("one worker" + " where there is little work at a time" * (not enough))
                return program.run(count, 1)
            self._say(f"{self.workers} workers, or one while that is faster")
            return in_slices(program, count, self._paces.setdefault(program, Pace(self.workers)))
        self._say("one worker, and Python where there is no kernel")
        return step_by_step(program, count, self.rules.seed)

    def _take(self, builder: Builder) -> None:
        """Copy the network's arrays, and to learn the optimizer's state, into their rows."""
        self._rows.take(self.net.parameters, self.optimizer_state if builder.training else {})
        for refresh in builder.refresh:
            refresh()

    def _give(self, program: Program, before: int) -> None:
        """Copy them back, and count the steps: so many were made before."""
        self._rows.give(self.net.parameters, self.optimizer_state)
        self.steps = before + int(program.step_states[STEP] + (program.step_states[STOP] == 0))

    def _go_on(self, batches: BatchStream, steps: StepResults, made: int) -> None:
        """Let the reference make the step that went astray: it names the layer.

        Where it finds every number finite after all (a sum of squares is larger than what it is
        made of), its step counts, and the run goes on after it.
        """
        at, size = made * batches.size, batches.size
        one = batches._replace(
            order=batches.order[at : at + size], lrs=batches.lrs[made : made + 1]
        )
        rest = batches._replace(order=batches.order[at + size :], lrs=batches.lrs[made + 1 :])
        steps.losses[made : made + 1], steps.right[made : made + 1] = self._by_reference(one)
        steps.losses[made + 1 :], steps.right[made + 1 :] = self.run(rest)

    def _by_reference(self, batches: BatchStream) -> StepResults:
        """Let the reference make these steps; what cannot be trained on, it refuses by name."""
        reference = ReferenceEngine(self.net, self.rules)
        reference.steps, reference.optimizer_state = self.steps, self.optimizer_state
        try:
            return reference.run(batches)
        finally:
            self.steps = reference.steps


def _leaves(layers: Sequence[Layer], prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield each layer that is not made of layers, with what its arrays' names begin with."""
    for index, layer in enumerate(layers):
        name = f"{prefix}{index}."
        if type(layer) is Residual:
            yield from _leaves(layer.body, f"{name}body.")
            yield from _leaves(layer.shortcut, f"{name}shortcut.")
        elif type(layer) is Chain:
            yield from _leaves(layer.layers, name)
        else:
            yield name, layer
