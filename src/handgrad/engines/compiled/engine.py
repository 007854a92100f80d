"""Defines `CompiledEngine`, which plans, compiles and runs programs for the training loop."""

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
from handgrad.engines.compiled.ablation import is_enabled
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.kernels.step_state import STEP, STOP
from handgrad.engines.compiled.lower import BATCH_SIZE_ONE_RULES, LOWERING_RULES
from handgrad.engines.compiled.lower.builder import Builder
from handgrad.engines.compiled.lower.images import first_linear
from handgrad.engines.compiled.lower.parameter_layout import ParameterLayout
from handgrad.engines.compiled.lower.plan import Plan
from handgrad.engines.compiled.lower.sparsity import MIN_ZERO_SHARE, share_of_zeros
from handgrad.engines.compiled.lower.step import inference, supports_batch_size_one, training
from handgrad.engines.compiled.lower.values import InputFormat
from handgrad.engines.compiled.report.build import build_report
from handgrad.engines.compiled.report.plan_report import PlanReport
from handgrad.engines.compiled.runtime.kernel_inputs import as_kernel_images, bind_run_arguments
from handgrad.engines.compiled.runtime.parameter_sync import ParameterSync
from handgrad.engines.compiled.runtime.program import Program
from handgrad.engines.compiled.runtime.python_phases import (
    run_phase_by_phase,
    warn_missing_kernels,
)
from handgrad.engines.compiled.runtime.thread_pool import register_after_fork
from handgrad.engines.compiled.runtime.thread_tuner import ThreadTuner, run_in_slices
from handgrad.engines.divergence import overflowed
from handgrad.engines.protocol import BatchStream, StepResults
from handgrad.engines.reference import ReferenceEngine
from handgrad.errors import ConfigError
from handgrad.freeze import frozen_layers, trainable_parameters
from handgrad.layers import Array, Dense, Layer, Residual
from handgrad.layers.chain import Sequential
from handgrad.network import Network, finite
from handgrad.threads import cores
from handgrad.train_config import TrainConfig

logger = logging.getLogger("handgrad")

_INFERENCE_BATCH = 256  # images that inference computes at a time
_FEW_IMAGES = 4  # so few images leave most lanes empty; NumPy is faster


class CompiledEngine:
    """An engine that runs whole epochs in machine code, with the results of `ReferenceEngine`.

    Between calls, the network's own arrays contain the current values. During a run, the current
    values are stored in the kernels' layout. When the run ends, they are copied back to the
    network's arrays. Several threads may call one engine at the same time; a lock makes their calls
    run one after another.

    Args:
        net: the network; its dtype must be float32, and its arrays are updated in place.
        config: the loss, the optimizer and the seed.
        workers: the number of threads, or None for one per core that this process may use. The
            result does not depend on the number of threads.
        skip_zeros: whether the first dense layer skips zero pixels, or None to skip them if at
            least 70 % of the pixels in the first images are zero.

    Attributes:
        parallel_step_threshold: the number of multiply-adds per step up to which only one worker is
            used.
        parallel_run_threshold: the number of multiply-adds per run up to which only one worker is
            used.

    Raises:
        ConfigError: if the network's dtype is not float32.
    """

    parallel_step_threshold = 200_000
    parallel_run_threshold = 10_000_000

    def __init__(
        self,
        net: Network,
        config: TrainConfig,
        *,
        workers: int | None = None,
        skip_zeros: bool | None = None,
    ) -> None:
        if net.dtype != np.float32:
            raise ConfigError(
                f"the compiled engine supports only float32, not {net.dtype}; "
                "use engine='reference'"
            )
        self.net, self.config, self.steps = net, config, 0
        self.workers = workers or cores()
        self.skip_zeros = skip_zeros
        self._frozen = frozen_layers(net, config.freeze)
        self.optimizer_state = {
            name: {kind: np.zeros_like(array) for kind in config.optimizer.state_names}
            for name, array in trainable_parameters(net, self._frozen).items()
        }
        self._layout = _layout(net, config, self._frozen)
        self._sync = ParameterSync(self._layout)
        self._supports_batch_size_one = supports_batch_size_one(net, self._layout, config)
        self._programs: dict[Any, tuple[Builder, Program]] = {}
        self._tuners: dict[Program, ThreadTuner] = {}
        self._logged: set[str] = set()
        self._lock = threading.RLock()
        register_after_fork(self)

    def reset_after_fork(self) -> None:
        """In a forked child process, discard a run that another thread of the parent started."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
            return
        self._lock = threading.RLock()
        self._programs.clear()
        self._tuners.clear()
        self._sync.invalidate()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle or copy the engine without its programs, which the copy will build again."""
        make = partial(type(self), workers=self.workers, skip_zeros=self.skip_zeros)
        return (
            make,
            (self.net, self.config),
            {"steps": self.steps, "optimizer_state": self.optimizer_state},
        )

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, lr: float
    ) -> tuple[float, int]:
        """Make one update; return the loss and number of correct predictions before the update."""
        steps = self.run(BatchStream(X, y, weights, np.arange(len(X)), len(X), [lr]))
        return float(steps.losses[0]), int(steps.correct[0])

    def run(self, batches: BatchStream) -> StepResults:
        """Make one update per batch; return each batch's loss and number of correct predictions."""
        with self._lock:
            return self._run(batches)

    def _run(self, batches: BatchStream) -> StepResults:
        """Run the updates. The caller must hold the lock."""
        batches = checked(batches, self.net)
        count = -(-len(batches.order) // batches.size)
        if not count and len(batches.images):
            self._decide_skip_zeros(batches.images)  # the first images decide, even without a step
        if count == 0 or not self._class_weights_match():
            return self._run_reference(batches)
        augmentation = None if batches.augment is None else batches.augment.augmentation
        if augmentation is not None:
            self._log_once(f"images are augmented by {augmentation}")
        builder, program = self._program(
            batches.images, batches.size, learning=True, augmentation=augmentation
        )
        steps = StepResults(np.zeros(count), np.zeros(count, np.int64))
        program.set_run_arguments(
            **bind_run_arguments(batches, steps, self.config, self.net.classes)
        )
        program.start(self.steps)
        self._copy_in(builder)
        self._sync.invalidate()
        nonfinite = program.array(builder.nonfinite)
        nonfinite[...] = 0
        before, succeeded = self.steps, False
        try:
            succeeded = self._execute(program, count)
        finally:
            try:
                self._copy_out(program, before)
            except (KeyboardInterrupt, SystemExit):  # a half-copied network would mix two steps
                self._copy_out(program, before)
                raise
        if nonfinite.any():
            raise overflowed(self.net, self.steps - 1)
        if not succeeded:
            self._resume_after_nonfinite(batches, steps, self.steps - before)
        return steps

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), computed in inference mode."""
        X = self.net.as_images(X)
        if len(X) <= _FEW_IMAGES:
            return self.net.logits(X)
        X = finite(X, self.net.dtype)
        with self._lock:
            return self._logits(X)

    def _logits(self, X: NDArray[Any]) -> Array:
        """Return the logits of any number of images. The caller must hold the lock."""
        logits = np.zeros((len(X), self.net.classes), np.float32)
        builder, program = self._program(X, min(len(X), _INFERENCE_BATCH), learning=False)
        count = -(-len(X) // _INFERENCE_BATCH)
        program.set_run_arguments(
            images=as_kernel_images(X),
            order=np.arange(len(X)),
            lrs=np.zeros(count, np.int64),
            weighted=0,
            **dict.fromkeys(("labels", "weights", "class_weights"), 0),
            total=len(X),
            size=_INFERENCE_BATCH,
            logits=logits,
        )
        program.start(0)
        self._copy_in(builder)
        self._execute(program, count)
        return logits

    def plan(
        self,
        batch_size: int,
        *,
        skip_zeros: bool,
        learning: bool = True,
        augmentation: Augmentation | None = None,
    ) -> Plan:
        """Return the plan for a batch size. Call `plan_report` to get the plan in readable form.

        Args:
            batch_size: the number of images in a batch.
            skip_zeros: whether the first dense layer skips zero pixels.
            learning: True for a training step, False for inference.
            augmentation: the random augmentation, or None for no augmentation.
        """
        source = self._source(batch_size, True, skip_zeros, learning)
        source = source._replace(augmentation=augmentation)
        return self._build(source, -(-batch_size // LANES), learning).plan

    def plan_report(self, batch_size: int, *, learning: bool = True, **options: Any) -> PlanReport:
        """Return the plan as a readable report. The arguments are those of the method `plan`."""
        plan = self.plan(batch_size, learning=learning, **options)
        return build_report(plan, self.net, self._layout, batch_size, self.workers, learning)

    def _build(self, source: InputFormat, chunks: int, learning: bool) -> Builder:
        """Translate the network into a plan."""
        rules_by_layer = BATCH_SIZE_ONE_RULES if source.batch_size_one else LOWERING_RULES
        frozen = self._frozen if learning else 0
        builder = Builder(self.net, self._layout, source, chunks, learning, rules_by_layer, frozen)
        if learning:
            training(builder, self.config)
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
        """Return a program for images of a given format and batches of at least a given size."""
        chunks = -(-size // LANES)
        is_uint8 = images.dtype == np.uint8
        source = self._source(size, is_uint8, self._decide_skip_zeros(images), learning)
        source = source._replace(augmentation=augmentation)
        key = (source, learning, chunks == 1)
        known = self._programs.get(key)
        if known is None or known[0].plan.chunks < chunks:
            builder = self._build(source, chunks, learning)
            self._programs[key] = known = builder, Program(builder.plan, self.workers)
            warn_missing_kernels(builder.plan, self.config, self._logged)
        return known

    def _source(self, size: int, is_uint8: bool, sparse: bool, learning: bool) -> InputFormat:
        """Return the type of the images, and how they are processed."""
        sparse = sparse and is_enabled("sparse")
        batch_size_one = size == 1 and learning and is_uint8 and sparse
        batch_size_one = batch_size_one and is_enabled("batch-size-one")
        return InputFormat(is_uint8, sparse, batch_size_one and self._supports_batch_size_one)

    def _decide_skip_zeros(self, images: NDArray[Any]) -> bool:
        """Return whether to skip zero pixels. The default depends on their share in `images`."""
        if self.skip_zeros is None:
            share = share_of_zeros(images)
            self.skip_zeros = share >= MIN_ZERO_SHARE
            if first_linear(self.net.layers) is not None:
                does = "skips" if self.skip_zeros else "does not skip"
                self._log_once(
                    f"{share:.0%} of the pixels are zero; the first dense layer {does} them"
                )
        return self.skip_zeros and first_linear(self.net.layers) is not None

    def _class_weights_match(self) -> bool:
        """Return whether the loss has no class weights, or exactly one weight per class."""
        class_weights = getattr(self.config.loss, "class_weights", None)
        return class_weights is None or len(class_weights) == self.net.classes

    def _log_once(self, sentence: str) -> None:
        """Log a sentence about how the engine runs a network, but only once."""
        if sentence not in self._logged:
            self._logged.add(sentence)
            logger.info("handgrad: compiled engine: %s", sentence)

    def _execute(self, program: Program, count: int) -> bool:
        """Run steps of a program, and return False if a step produced a non-finite value."""
        if Kind.PYTHON in [phase.kind for phase in program.plan.phases]:
            self._log_once("one worker, because layers or losses without a kernel run in Python")
            return run_phase_by_phase(program, count, self.config.seed)
        if self.workers == 1:
            self._log_once("one worker")
            return program.run(count, 1)
        if not is_enabled("thread-tuner"):
            return program.run(count, self.workers)
        work = program.plan.multiply_adds * program.plan.chunks * LANES
        if work <= self.parallel_step_threshold or count * work <= self.parallel_run_threshold:
            self._log_once("one worker, because there is little work")
            return program.run(count, 1)
        self._log_once(f"{self.workers} workers, or one worker whenever one is faster")
        tuner = self._tuners.setdefault(program, ThreadTuner(self.workers))
        return run_in_slices(program, count, tuner)

    def _copy_in(self, builder: Builder) -> None:
        """Copy the network and, for training, the optimizer state into the kernels' layout."""
        self._sync.copy_in(self.net.parameters, self.optimizer_state if builder.training else {})
        for refresh in builder.refresh:
            refresh()

    def _copy_out(self, program: Program, before: int) -> None:
        """Copy the kernels' arrays to the network, and count the steps made since `before`."""
        self._sync.copy_out(self.net.parameters, self.optimizer_state)
        self.steps = before + int(program.step_states[STEP] + (program.step_states[STOP] == 0))

    def _resume_after_nonfinite(
        self, batches: BatchStream, steps: StepResults, completed: int
    ) -> None:
        """Repeat the failed step with the reference engine, so that the error names the layer.

        If the reference engine finds only finite values, the result of its step is used, and the
        run continues with the next step. This happens if a sum of squares overflows although all
        its terms are finite.
        """
        first, size = completed * batches.size, batches.size
        failed = batches._replace(
            order=batches.order[first : first + size], lrs=batches.lrs[completed : completed + 1]
        )
        rest = batches._replace(
            order=batches.order[first + size :], lrs=batches.lrs[completed + 1 :]
        )
        here, after = slice(completed, completed + 1), slice(completed + 1, None)
        steps.losses[here], steps.correct[here] = self._run_reference(failed)
        steps.losses[after], steps.correct[after] = self.run(rest)

    def _run_reference(self, batches: BatchStream) -> StepResults:
        """Run the batches with the reference engine, so that errors describe the invalid input."""
        reference = ReferenceEngine(self.net, self.config)
        reference.steps, reference.optimizer_state = self.steps, self.optimizer_state
        try:
            return reference.run(batches)
        finally:
            self.steps = reference.steps


def _layout(net: Network, config: TrainConfig, frozen: int) -> ParameterLayout:
    """Return the layout in which the kernels store a network's parameters."""
    leaves = list(_leaves(net.layers))
    linear = {f"{name}weight" for name, layer in leaves if type(layer) is Dense}
    without_kernel = tuple(name for name, layer in leaves if type(layer) not in LOWERING_RULES)
    alone = {name for name in net.parameters if name.startswith(without_kernel)}
    first = first_linear(net.layers)
    first_weight = None if first is None else f"{first}.weight"
    names = net.parameters.keys() - trainable_parameters(net, frozen).keys()
    return ParameterLayout(
        net.parameters, config.optimizer.state_names, linear, alone, first_weight, names
    )


def has_kernels(net: Network) -> bool:
    """Return whether every layer of a network has a kernel, so that no part runs in Python."""
    return all(type(layer) in LOWERING_RULES for _, layer in _leaves(net.layers))


def _leaves(layers: Sequence[Layer], prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield each layer that contains no other layers, with the prefix of its parameters' names."""
    for index, layer in enumerate(layers):
        name = f"{prefix}{index}."
        if type(layer) is Residual:
            yield from _leaves(layer.body, f"{name}body.")
            yield from _leaves(layer.shortcut, f"{name}shortcut.")
        elif type(layer) is Sequential:
            yield from _leaves(layer.layers, name)
        else:
            yield name, layer
