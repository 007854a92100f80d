"""A whole step: its beginning, the network, the loss, the way back, the update."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower import SINGLE
from handgrad.engines.compiled.lower.builder import Builder
from handgrad.engines.compiled.lower.images import first_linear, network
from handgrad.engines.compiled.lower.parameter_layout import BLOCK, Store
from handgrad.engines.compiled.lower.plan import (
    Argument,
    Buffer,
    Inlet,
    Part,
    Place,
    Stride,
)
from handgrad.engines.compiled.lower.reference import read, write
from handgrad.engines.compiled.lower.values import Value
from handgrad.engines.compiled.runtime import step_state as clock
from handgrad.engines.compiled.runtime.program import Program
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer
from handgrad.train_config import TrainConfig


def training(b: Builder, config: TrainConfig) -> None:
    """Lay down a training step."""
    b.plain = is_plain(config)
    _begin(b, config)
    Z, backward = network(b)
    losses = Buffer("loss by chunk", b.plan.chunks, single=True)
    right = Buffer("right by chunk", b.plan.chunks, np.int64, single=True)
    b.plan.layer = "loss"
    backward(_loss(b, config, Z, losses, right))
    limit = 0.0 if config.clip_norm is None else config.clip_norm
    judgement = (
        losses,
        right,
        Place.CLOCK,
        Place.WORKER,
        limit,
        Inlet("all_losses"),
        Inlet("all_right"),
    )
    if b.plain:
        _descend(b, judgement)
    else:
        _update(b, config, judgement)
    b.plan.layer = "state"
    for lay in b.update_buffers:
        lay()


def is_plain(config: TrainConfig) -> bool:
    """Say whether the update is W ← W − η dW and nothing else."""
    plain = type(config.optimizer) is SGD and not config.optimizer.weight_decay
    return plain and config.clip_norm is None


def takes_single(net: Network, store: Store, config: TrainConfig) -> bool:
    """Say whether one image needs no lanes: plain SGD on linear layers of at least 16 inputs."""
    first = first_linear(net.layers)
    if first is None or not is_plain(config) or type(config.loss) is not SoftmaxCrossEntropy:
        return False
    tilings = [room.tiling for room in store.rooms.values() if room.tiling is not None]
    known = all(type(layer) in SINGLE for layer in net.layers[first:])
    return known and all(tiling.inputs >= LANES for tiling in tilings)


def inference(b: Builder) -> None:
    """Lay down the way from images to logits."""
    _begin(b, None)
    Z, _ = network(b)
    b.plan.layer = "logits"
    arguments = (Z.buffer, Z.features, Place.CLOCK, Place.CHUNK, Inlet("logits"))
    b.chunks("loss.give_logits", *arguments)


def _begin(b: Builder, config: TrainConfig | None) -> None:
    """Lay down the beginning of a step."""
    b.plan.layer = "step"
    betas = (0.0, 0.0)
    if config is not None and isinstance(config.optimizer, Adam | AdamW):
        betas = (config.optimizer.beta1, config.optimizer.beta2)
    b.plan.emit(
        Kind.EVERY,
        "loss.begin",
        *(Place.CLOCK, Inlet("total"), Inlet("size"), Inlet("lrs"), Inlet("order")),
        *(Inlet("labels"), Inlet("weights"), Inlet("weighted"), Inlet("class_weights")),
        *betas,
        b.spoilt,
    )


def _loss(b: Builder, config: TrainConfig, Z: Value, losses: Buffer, right: Buffer) -> Value:
    """Lay down the loss and dZ."""
    dZ = b.value("dZ", Z.shape, learned=True)
    if type(config.loss) is not SoftmaxCrossEntropy:
        return _loss_in_python(b, config, Z, dZ, losses, right)
    b.chunks(
        "loss.softmax_cross_entropy",
        *(Z.buffer, dZ.buffer, Z.features, config.loss.label_smoothing),
        *(Inlet("order"), Inlet("labels"), Inlet("weights"), Inlet("weighted")),
        *(Inlet("class_weights"), Place.CLOCK, Place.CHUNK),
        *(Buffer("loss: room", 3 * LANES), losses, right),
        **({"LANES": 1} if b.source.single else {}),
    )
    return dZ


def _loss_in_python(
    b: Builder, config: TrainConfig, Z: Value, dZ: Value, losses: Buffer, right: Buffer
) -> Value:
    """Lay down a loss of another kind, as the reference engine calls it."""
    b.plan.notes.append(f"{type(config.loss).__name__}: there is no kernel for this loss")

    def run(program: Program, seed: int) -> None:
        logits, (y, weights) = read(program, Z), program.targets()
        loss, dlogits = config.loss(logits, y, weights)
        write(program, dZ, dlogits)
        program.array(losses)[0] = 0
        program.array(right)[0] = 0
        program.array(losses)[0, 0] = loss
        program.array(right)[0, 0] = int((logits.argmax(axis=1) == y).sum())

    b.plan.python(run, Z.buffer, dZ.buffer, losses, right)
    return dZ


def _descend(b: Builder, judgement: tuple[Argument, ...]) -> None:
    """Lay down W ← W − η dW for each array by itself, after a look at all gradients' parts."""
    blocks = b.store.shared // BLOCK
    b.plan.layer = "update"
    if blocks:
        norms = b.more_norms(b.plan.chunks)
        b.chunks("sparse.judge_rows", b.parts, b.store.shared, Place.CLOCK, Place.CHUNK, norms)
    for lay in b.gradients:
        lay()
    b.plan.layer = "update"
    b.plan.meet()
    b.plan.emit(Kind.EVERY, "loss.judge", b.norms, b.norms.size, *judgement)
    if blocks:
        rows = (Part(b.store.W, 0, BLOCK), Part(b.parts, 0, BLOCK), Stride(b.parts))
        arguments = (*rows, Part(b.store.dW, 0, BLOCK), BLOCK, Place.CLOCK, b.spoilt)
        b.plan.emit(Kind.TILES, "optim.sgd_by_chunks", *arguments, tiles=blocks)
    for lay in b.updates:
        b.plan.beside()
        lay()


def _update(b: Builder, config: TrainConfig, judgement: tuple[Argument, ...]) -> None:
    """Lay down the gradients, the look at them, and the optimizer over all parameters in a row."""
    for lay in b.gradients:
        lay()
    b.plan.meet()
    for lay in b.sums:
        lay()
    b.plan.layer = "update"
    blocks = b.store.shared // BLOCK
    if blocks:
        sums = (Part(b.parts, 0, BLOCK), Stride(b.parts), Part(b.store.dW, 0, BLOCK), BLOCK)
        arguments = (*sums, Place.CLOCK, Place.TILE, b.more_norms(blocks))
        if b.sums:
            b.plan.beside()
        b.plan.emit(Kind.TILES, "optim.add_chunks", *arguments, tiles=blocks)
    b.plan.emit(Kind.EVERY, "loss.judge", b.norms, b.norms.size, *judgement)

    optimizer, W, dW = config.optimizer, b.store.W, b.store.dW
    if type(optimizer) not in (SGD, Momentum, Adam, AdamW):
        b.plan.notes.append(f"{type(optimizer).__name__}: there is no kernel for it")
        b.plan.python(_update_in_python(b, config), b.spoilt)
        return
    name, tail = _rule(optimizer)
    memory = [Part(row, 0, BLOCK) for row in b.store.optimizer_state.values()]
    rows = (Part(W, 0, BLOCK), Part(dW, 0, BLOCK), *memory)
    tiles = len(W) // BLOCK
    b.plan.emit(
        Kind.TILES, f"optim.{name}", *rows, BLOCK, Place.CLOCK, *tail, b.spoilt, tiles=tiles
    )


def _rule(optimizer: Optimizer) -> tuple[str, tuple[float, ...]]:
    """Return the name of an optimizer's kernel, and the settings that it takes."""
    match optimizer:
        case Momentum():
            name = "nesterov" if optimizer.nesterov else "momentum"
            return name, (optimizer.weight_decay, optimizer.momentum)
        case Adam() | AdamW():
            decay = optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0
            betas = (optimizer.beta1, optimizer.beta2)
            return "adam", (decay, *betas, 1 - betas[0], 1 - betas[1], optimizer.eps)
        case SGD():
            return "sgd", (optimizer.weight_decay,)
        case _:
            raise AssertionError(f"{optimizer} has no kernel")


def _update_in_python(b: Builder, config: TrainConfig) -> Callable[..., None]:
    """Return an update by an optimizer of another kind, as the reference engine calls it."""

    def run(program: Program, seed: int) -> None:
        store, clocks = b.store, program.clocks
        lr = float(clocks.view(np.float64)[clock.LR])
        clip, made = np.float32(clocks.view(np.float64)[clock.CLIP]), []
        for name, room in store.rooms.items():
            W, dW = np.zeros(room.shape, np.float32), np.zeros(room.shape, np.float32)
            memory = {kind: np.zeros(room.shape, np.float32) for kind in store.optimizer_state}
            rows = [(W, store.W), (dW, store.dW)]
            rows += [(memory[kind], row) for kind, row in store.optimizer_state.items()]
            for array, row in rows:
                store.give(name, array, row)
            t = int(clocks[clock.TOTAL]) + 1
            config.optimizer.update(W, dW * clip, memory, lr, t)
            made += [(name, array, row) for array, row in rows]
        for name, array, row in made:  # none before all are there: the optimizer may have raised
            store.take(name, array, row)
            if row is store.W and not np.isfinite(array).all():
                program.array(b.spoilt)[0, 0] = 1

    return run
