"""The engines, which are different implementations of the same training step."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.augment import Augmentation, as_augmentation
from handgrad.engines.protocol import BatchStream, Engine, Inspectable, StepResults, Trace
from handgrad.engines.reference import ReferenceEngine, say_slower
from handgrad.errors import ConfigError, did_you_mean
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import Adam, Optimizer
from handgrad.threads import limit_library_threads
from handgrad.train_config import TrainConfig

if TYPE_CHECKING:
    from handgrad.engines.compiled.report.plan_report import PlanReport

__all__ = [
    "BatchStream",
    "Engine",
    "Inspectable",
    "MakeEngine",
    "ReferenceEngine",
    "StepResults",
    "Trace",
    "TrainConfig",
    "engine_named",
    "fastest_engine",
    "plan",
]

MakeEngine = Callable[[Network, TrainConfig], Engine]


def fastest_engine() -> str:
    """Return the name of the fastest engine that is installed."""
    return "compiled" if find_spec("numba") and find_spec("llvmlite") else "reference"


def _auto(net: Network, config: TrainConfig) -> Engine:
    """Return the fastest available engine for a network."""
    if net.dtype != np.float32:
        return ReferenceEngine(net, config)
    if fastest_engine() == "reference":
        say_slower("Numba is not installed")
        return ReferenceEngine(net, config)
    from handgrad.engines.compiled.fallback import CompiledOrReference

    return CompiledOrReference(net, config)


def _compiled(net: Network, config: TrainConfig) -> Engine:
    """Return the compiled engine, the only engine that imports Numba."""
    from handgrad.engines.compiled import CompiledEngine

    return CompiledEngine(net, config)


def _torch(net: Network, config: TrainConfig, **options: Any) -> Engine:
    """Return the PyTorch engine. The first call imports PyTorch."""
    from handgrad.engines.torch import TorchEngine

    return TorchEngine(net, config, **options)


ENGINES: dict[str, Callable[..., Engine]] = {
    "auto": _auto,
    "compiled": _compiled,
    "reference": ReferenceEngine,
    "torch": _torch,
}


def engine_named(name: str | MakeEngine, net: Network, config: TrainConfig) -> Engine:
    """Return a new engine for a network.

    Args:
        name: the name of an engine, "auto" for the fastest available engine, or a function that
            returns an engine. The name "torch" may be followed by a colon and a device, as in
            "torch:cuda".
        net: the network.
        config: the settings of a training step.

    Raises:
        ConfigError: if no engine has the given name.
        MissingExtraError: if the engine needs a package that is not installed.
    """
    limit_library_threads()
    if not isinstance(name, str):
        return name(net, config)
    name, colon, device = name.partition(":")
    if name not in ENGINES:
        raise ConfigError(
            f"there is no engine {name!r}; choose one of {', '.join(ENGINES)}"
            f"{did_you_mean(name, ENGINES)}"
        )
    if not colon:
        return ENGINES[name](net, config)
    if name != "torch":
        raise ConfigError(f"the engine {name} does not accept a device; remove :{device}")
    return ENGINES[name](net, config, device=device)


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
    """Return the plan of the compiled engine for a network. Print the plan, or read its attributes.

    Nothing is compiled, and Numba need not be installed.

    >>> net = hg.Network(hg.models.two_layer(), shape=(1, 28, 28), classes=10)
    >>> made = hg.plan(net)
    >>> made.layers[0]
    LayerLine(name='0 Normalize', lowered_to='fused with reading the images', forward=0, backward=0)

    Args:
        net: the network; its dtype must be float32.
        batch_size: the number of images in a batch.
        skip_zeros: whether the first layer skips zero pixels; has an effect only on a linear layer.
            A training run decides this from its images: zeros are skipped on MNIST, where 81 % of
            the pixels are zero, but not on Fashion-MNIST.
        learning: True to plan a training step, False to plan a forward pass at inference.
        loss: the loss function; used only if `learning` is True.
        optimizer: the optimizer; used only if `learning` is True.
        clip_norm: the maximum norm of the vector of all gradients, or None for no limit.
        augment: the augmentation of the images; used only if `learning` is True.

    Raises:
        ConfigError: if the network's dtype is not float32, or the batch size is not a whole number
            of at least 1.
    """
    from handgrad.engines.compiled import CompiledEngine

    if not isinstance(batch_size, int | np.integer) or isinstance(batch_size, bool):
        raise ConfigError(f"batch_size must be a whole number of at least 1, not {batch_size!r}")
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
    engine = CompiledEngine(net, TrainConfig(loss, optimizer, clip_norm))
    augmentation = as_augmentation(augment) if learning else None
    return engine.plan_report(
        int(batch_size), skip_zeros=skip_zeros, learning=learning, augmentation=augmentation
    )
