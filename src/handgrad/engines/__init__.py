"""The engines: each runs the same mathematics in its own way."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.augment import Augmentation, as_augmentation
from handgrad.engines.protocol import BatchStream, Engine, Inspectable, Rules, StepResults, Trace
from handgrad.engines.reference import ReferenceEngine, say_slower
from handgrad.errors import ConfigError
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import Adam, Optimizer
from handgrad.threads import hold_libraries

if TYPE_CHECKING:
    from handgrad.engines.compiled.report.plan_report import PlanReport

__all__ = [
    "BatchStream",
    "Engine",
    "Inspectable",
    "MakeEngine",
    "ReferenceEngine",
    "Rules",
    "StepResults",
    "Trace",
    "engine_named",
    "fastest_engine",
    "plan",
]

MakeEngine = Callable[[Network, Rules], Engine]


def fastest_engine() -> str:
    """Return the name of the fastest engine that is installed."""
    return "compiled" if find_spec("numba") and find_spec("llvmlite") else "reference"


def _auto(net: Network, rules: Rules) -> Engine:
    """Return the fastest engine that there is for this network."""
    if net.dtype != np.float32:
        return ReferenceEngine(net, rules)
    if fastest_engine() == "reference":
        say_slower("Numba is not installed")
        return ReferenceEngine(net, rules)
    from handgrad.engines.compiled.fallback import CompiledOrReference

    return CompiledOrReference(net, rules)


def _compiled(net: Network, rules: Rules) -> Engine:
    """Return the engine that makes one program of the network; Numba is loaded by it alone."""
    from handgrad.engines.compiled import CompiledEngine

    return CompiledEngine(net, rules)


def _torch(net: Network, rules: Rules, **options: Any) -> Engine:
    """Return the twin in PyTorch, which is loaded only when it is wanted."""
    from handgrad.engines.torch import TorchEngine

    return TorchEngine(net, rules, **options)


ENGINES: dict[str, Callable[..., Engine]] = {
    "auto": _auto,
    "compiled": _compiled,
    "reference": ReferenceEngine,
    "torch": _torch,
}


def engine_named(name: str | MakeEngine, net: Network, rules: Rules) -> Engine:
    """Return a fresh engine for a network.

    Args:
        name: the engine's name, for torch with a device if wanted ("torch:cuda"); "auto" for
            the fastest that there is; or a function that makes an engine.
        net: the network.
        rules: how to train.

    Raises:
        ConfigError: if there is none of this name.
        MissingExtraError: if it needs a package that is not installed.
    """
    hold_libraries()
    if not isinstance(name, str):
        return name(net, rules)
    name, colon, device = name.partition(":")
    if name not in ENGINES:
        raise ConfigError(f"there is no engine {name!r}; choose one of {', '.join(ENGINES)}")
    if not colon:
        return ENGINES[name](net, rules)
    if name != "torch":
        raise ConfigError(f"the engine {name} takes no device; leave out :{device}")
    return ENGINES[name](net, rules, device=device)


def plan(
    net: Network,
    batch_size: int = 64,
    *,
    skip_zeros: bool = True,
    learning: bool = True,
    loss: Loss = SoftmaxCrossEntropy(),
    optimizer: Optimizer = Adam(),
    clip_norm: float | None = None,
    augment: Augmentation | str | None = None,
) -> PlanReport:
    """Return what the compiled engine makes of a network: print it, or read it.

    Nothing is compiled, and Numba need not be there.

    >>> net = hg.Network(hg.models.two_layer(), shape=(1, 28, 28), classes=10)
    >>> made = hg.plan(net)
    >>> made.layers[0]
    LayerLine(name='0 Normalize', lowered_to='folded into the images', forward=0, backward=0)

    Args:
        net: the network, of float32.
        batch_size: how many images make a batch.
        skip_zeros: whether a first linear layer is to skip pixels that are zero. Training decides
            that by the images: it does on MNIST, where 81 % are, and not on Fashion-MNIST.
        learning: whether to train, or only to go forward as at inference.
        loss: the loss; only to train.
        optimizer: the optimizer; only to train.
        clip_norm: the largest norm of all gradients together; None: no limit.
        augment: how images are changed before they are learned from; only to train.

    Raises:
        ConfigError: if the network is not of float32, or the batch no whole number or empty.
    """
    from handgrad.engines.compiled import CompiledEngine

    if not isinstance(batch_size, int | np.integer) or isinstance(batch_size, bool):
        raise ConfigError(f"batch_size must be a whole number of at least 1, not {batch_size!r}")
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
    engine = CompiledEngine(net, Rules(loss, optimizer, clip_norm))
    augmentation = as_augmentation(augment) if learning else None
    return engine.plan_report(
        int(batch_size), skip_zeros=skip_zeros, learning=learning, augmentation=augmentation
    )
