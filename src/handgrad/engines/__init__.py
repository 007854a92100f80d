"""The engines: each runs the same mathematics in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handgrad.engines.engine import Batches, Engine, Inspectable, Rules, Steps, Trace
from handgrad.engines.reference import ReferenceEngine
from handgrad.errors import ConfigError
from handgrad.network import Network

__all__ = [
    "Batches",
    "Engine",
    "Inspectable",
    "MakeEngine",
    "ReferenceEngine",
    "Rules",
    "Steps",
    "Trace",
    "engine_named",
]

MakeEngine = Callable[[Network, Rules], Engine]


def _torch(net: Network, rules: Rules, **options: Any) -> Engine:
    """Return the twin in PyTorch, which is loaded only when it is wanted."""
    from handgrad.engines.torch import TorchEngine

    return TorchEngine(net, rules, **options)


ENGINES: dict[str, Callable[..., Engine]] = {"reference": ReferenceEngine, "torch": _torch}


def engine_named(name: str | MakeEngine, net: Network, rules: Rules) -> Engine:
    """Return a fresh engine for a network.

    Args:
        name: the engine's name, for torch with a device if wanted ("torch:cuda"); or a function
            that makes an engine.
        net: the network.
        rules: how to train.

    Raises:
        ConfigError: if there is none of this name.
        MissingExtraError: if it needs a package that is not installed.
    """
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
