"""Translates a whole step: its beginning, the network, the loss, the gradients, the update.

The entry points of this module are `training` and `inference`.
"""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.step_state import CLIP, LR, TOTAL
from handgrad.engines.compiled.lower import BATCH_SIZE_ONE_RULES
from handgrad.engines.compiled.lower.barriers import EACH_WORKER, tiles
from handgrad.engines.compiled.lower.builder import Builder
from handgrad.engines.compiled.lower.calls import (
    Argument,
    Buffer,
    ChunkStride,
    RunArgument,
    RuntimeIndex,
    View,
)
from handgrad.engines.compiled.lower.images import first_linear, lower_network
from handgrad.engines.compiled.lower.parameter_layout import BLOCK, ParameterLayout
from handgrad.engines.compiled.lower.plan import PythonCall, RunningProgram
from handgrad.engines.compiled.lower.reference import read, write
from handgrad.engines.compiled.lower.values import Value
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer
from handgrad.train_config import TrainConfig

# The optimizers with kernels, and the parameters of the kernels that are the optimizer's state.
_STATE_PARAMETERS: dict[type[Optimizer], tuple[str, ...]] = {
    SGD: (),
    Momentum: ("V",),
    Adam: ("M", "V"),
    AdamW: ("M", "V"),
}


def training(b: Builder, config: TrainConfig) -> None:
    """Return the plan of a training step, including its barriers."""
    b.is_plain_sgd = is_plain_sgd(config)
    _begin(b, config)
    Z, backward = lower_network(b)
    losses = Buffer("loss by chunk", b.plan.chunks, shared=True)
    correct = Buffer("correct by chunk", b.plan.chunks, np.int64, shared=True)
    b.plan.layer = "loss"
    backward(_loss(b, config, Z, losses, correct))
    max_norm = 0.0 if config.clip_norm is None else config.clip_norm
    check: dict[str, Argument] = {"losses": losses, "correct": correct, "max_norm": max_norm}
    if b.is_plain_sgd:
        _update_each_parameter(b, check)
    else:
        _update_all_parameters(b, config, check)
    b.plan.layer = "state"
    b.update_buffers.emit()
    b.plan.place_barriers()


def inference(b: Builder) -> None:
    """Return the plan that computes logits, including its barriers."""
    _begin(b, None)
    Z, _ = lower_network(b)
    b.plan.layer = "logits"
    logits = RunArgument("logits")
    b.per_chunk("step.write_logits", Z=Z.buffer, classes=Z.features, logits=logits)
    b.plan.place_barriers()


def is_plain_sgd(config: TrainConfig) -> bool:
    """Return whether the update is exactly W ← W − η dW."""
    plain = type(config.optimizer) is SGD and not config.optimizer.weight_decay
    return plain and config.clip_norm is None


def supports_batch_size_one(net: Network, layout: ParameterLayout, config: TrainConfig) -> bool:
    """Return whether the network can compute batches of one image without lanes.

    The network can be computed without lanes if the optimizer is plain SGD and all linear layers
    have at least 16 inputs.
    """
    first = first_linear(net.layers)
    if first is None or not is_plain_sgd(config) or type(config.loss) is not SoftmaxCrossEntropy:
        return False
    tilings = [slot.tiling for slot in layout.slots.values() if slot.tiling is not None]
    have_rules = all(type(layer) in BATCH_SIZE_ONE_RULES for layer in net.layers[first:])
    return have_rules and all(tiling.inputs >= LANES for tiling in tilings)


def _begin(b: Builder, config: TrainConfig | None) -> None:
    """Emit the kernel call that begins a step."""
    b.plan.layer = "step"
    beta1, beta2 = 0.0, 0.0
    if config is not None and isinstance(config.optimizer, Adam | AdamW):
        beta1, beta2 = config.optimizer.beta1, config.optimizer.beta2
    names = ("total", "size", "lrs", "order", "labels", "weights", "weighted", "class_weights")
    b.plan.emit(
        EACH_WORKER,
        "step.begin",
        beta1=beta1,
        beta2=beta2,
        nonfinite=b.nonfinite,
        **{name: RunArgument(name) for name in names},
    )


def _loss(b: Builder, config: TrainConfig, Z: Value, losses: Buffer, correct: Buffer) -> Value:
    """Emit the loss and its gradient dZ with respect to the logits."""
    dZ = b.value("dZ", Z.shape, requires_grad=True)
    if type(config.loss) is not SoftmaxCrossEntropy:
        return _loss_in_python(b, config, Z, dZ, losses, correct)
    names = ("order", "labels", "weights", "weighted", "class_weights")
    b.per_chunk(
        "loss.softmax_cross_entropy",
        {"LANES": 1} if b.input_format.batch_size_one else {},
        Z=Z.buffer,
        dZ=dZ.buffer,
        classes=Z.features,
        smoothing=config.loss.label_smoothing,
        scratch=Buffer("loss: scratch", 3 * LANES, per_worker=True),
        losses=losses,
        correct=correct,
        **{name: RunArgument(name) for name in names},
    )
    return dZ


def _loss_in_python(
    b: Builder, config: TrainConfig, Z: Value, dZ: Value, losses: Buffer, correct: Buffer
) -> Value:
    """Emit a Python call that computes a loss without a kernel."""
    b.plan.notes.append(f"{type(config.loss).__name__}: there is no kernel for this loss")

    def run(program: RunningProgram, seed: int) -> None:
        logits, (y, weights) = read(program, Z), program.targets()
        loss, dlogits = config.loss(logits, y, weights)
        write(program, dZ, dlogits)
        program.array(losses)[0] = 0
        program.array(correct)[0] = 0
        program.array(losses)[0, 0] = loss
        program.array(correct)[0, 0] = int((logits.argmax(axis=1) == y).sum())

    b.plan.python(run, Z.buffer, dZ.buffer, losses, correct)
    return dZ


def _check_finite(b: Builder, check: dict[str, Argument]) -> None:
    """Emit the check that the loss and the gradients are finite."""
    b.plan.emit(
        EACH_WORKER,
        "step.check_finite",
        norms=b.norms,
        count=b.norms.size,
        all_losses=RunArgument("all_losses"),
        all_correct=RunArgument("all_correct"),
        **check,
    )


def _update_each_parameter(b: Builder, check: dict[str, Argument]) -> None:
    """Emit W ← W − η dW for each parameter separately, after the check of all gradients."""
    blocks = b.layout.shared // BLOCK
    b.plan.layer = "update"
    if blocks:
        norms, size = b.add_norms(b.plan.chunks), b.layout.shared
        b.per_chunk("step.squared_norm", R=b.chunk_gradients, size=size, norms=norms)
    b.gradients.emit()
    b.plan.layer = "update"
    _check_finite(b, check)
    if blocks:
        b.plan.emit(
            tiles(blocks),
            "optim.sgd_by_chunks",
            W=View(b.layout.W, 0, BLOCK),
            parts=View(b.chunk_gradients, 0, BLOCK),
            part_stride=ChunkStride(b.chunk_gradients),
            dW=View(b.layout.dW, 0, BLOCK),
            count=BLOCK,
            nonfinite=b.nonfinite,
        )
    b.updates.emit()


def _update_all_parameters(b: Builder, config: TrainConfig, check: dict[str, Argument]) -> None:
    """Emit the gradients, the check of the gradients, and one update of all parameters."""
    b.gradients.emit()
    b.gradient_sums.emit()
    b.plan.layer = "update"
    blocks = b.layout.shared // BLOCK
    if blocks:
        b.plan.emit(
            tiles(blocks),
            "optim.add_chunks",
            parts=View(b.chunk_gradients, 0, BLOCK),
            part_stride=ChunkStride(b.chunk_gradients),
            dW=View(b.layout.dW, 0, BLOCK),
            count=BLOCK,
            item=RuntimeIndex.TILE,
            norms=b.add_norms(blocks),
        )
    _check_finite(b, check)

    optimizer, W, dW = config.optimizer, b.layout.W, b.layout.dW
    if type(optimizer) not in _STATE_PARAMETERS:
        b.plan.notes.append(f"{type(optimizer).__name__}: there is no kernel for it")
        b.plan.python(_update_in_python(b, config), b.nonfinite)
        return
    kernel, hyperparameters = _optimizer_kernel(optimizer)
    names = _STATE_PARAMETERS[type(optimizer)]
    rows = b.layout.optimizer_state.values()
    state = {name: View(row, 0, BLOCK) for name, row in zip(names, rows, strict=True)}
    b.plan.emit(
        tiles(len(W) // BLOCK),
        kernel,
        W=View(W, 0, BLOCK),
        dW=View(dW, 0, BLOCK),
        count=BLOCK,
        nonfinite=b.nonfinite,
        **state,
        **hyperparameters,
    )


def _optimizer_kernel(optimizer: Optimizer) -> tuple[str, dict[str, float]]:
    """Return the name of an optimizer's kernel and its hyperparameters."""
    match optimizer:
        case Momentum():
            kernel = "optim.nesterov" if optimizer.nesterov else "optim.momentum"
            return kernel, {"decay": optimizer.weight_decay, "mu": optimizer.momentum}
        case Adam() | AdamW():
            beta1, beta2 = optimizer.beta1, optimizer.beta2
            return "optim.adam", {
                "decay": optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0,
                **{"beta1": beta1, "beta2": beta2, "rest1": 1 - beta1, "rest2": 1 - beta2},
                "eps": optimizer.eps,
            }
        case SGD():
            return "optim.sgd", {"decay": optimizer.weight_decay}
        case _:
            raise AssertionError(f"{optimizer} has no kernel")


def _update_in_python(b: Builder, config: TrainConfig) -> PythonCall:
    """Return a Python function that updates the network by an optimizer without a kernel."""

    def run(program: RunningProgram, seed: int) -> None:
        layout, step_state = b.layout, program.step_states
        lr = float(step_state.view(np.float64)[LR])
        clip, updated = np.float32(step_state.view(np.float64)[CLIP]), []
        for name, slot in layout.slots.items():
            W, dW = np.zeros(slot.shape, np.float32), np.zeros(slot.shape, np.float32)
            state = {kind: np.zeros(slot.shape, np.float32) for kind in layout.optimizer_state}
            rows = [(W, layout.W), (dW, layout.dW)]
            rows += [(state[kind], row) for kind, row in layout.optimizer_state.items()]
            for array, row in rows:
                layout.copy_out(name, array, row)
            t = int(step_state[TOTAL]) + 1
            config.optimizer.update(W, dW * clip, state, lr, t)
            updated += [(name, array, row) for array, row in rows]
        for name, array, row in updated:  # only after all of them: the optimizer may have raised
            layout.copy_in(name, array, row)
            if row is layout.W and not np.isfinite(array).all():
                program.array(b.nonfinite)[0, 0] = 1

    return run
