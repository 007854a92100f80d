"""The engines: each runs the same mathematics in its own way."""

from __future__ import annotations

from collections.abc import Callable

from handgrad.engines.engine import Batches, Engine, Rules, Steps
from handgrad.engines.reference import ReferenceEngine
from handgrad.errors import ConfigError
from handgrad.network import Network

__all__ = ["Batches", "Engine", "ReferenceEngine", "Rules", "Steps", "engine_named"]

ENGINES: dict[str, Callable[[Network, Rules], Engine]] = {"reference": ReferenceEngine}


def engine_named(name: str, net: Network, rules: Rules) -> Engine:
    """Return a fresh engine for a network.

    Raises:
        ConfigError: where there is none of this name.
    """
    if name not in ENGINES:
        raise ConfigError(f"there is no engine {name!r}; choose one of {', '.join(ENGINES)}")
    return ENGINES[name](net, rules)
