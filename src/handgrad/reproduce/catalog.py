"""The five notebooks by name, and two networks of handgrad for comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handgrad.errors import ConfigError, did_you_mean
from handgrad.reproduce import (
    convnet,
    fashion_mlp,
    modern,
    online_mlp,
    softmax_regression,
    two_layer,
)
from handgrad.reproduce.notebook import Notebook

NOTEBOOKS: dict[str, Callable[[bool], Notebook]] = {
    "softmax-regression": softmax_regression.notebook,
    "two-layer": two_layer.notebook,
    "convnet": convnet.notebook,
    "fashion-mlp": fashion_mlp.notebook,
    "online-mlp": online_mlp.notebook,
    "deep-convnet": modern.mnist,
    "resnet7": modern.fashion,
}


def notebooks(names: Sequence[str] = ("all",), *, quick: bool = False) -> list[Notebook]:
    """Return notebooks in the order of `NOTEBOOKS`.

    Args:
        names: the names of the notebooks; "all" selects all of them.
        quick: whether to use fewer epochs and images, for a run of a few minutes.

    Raises:
        ConfigError: if a name is unknown.
    """
    for name in names:
        if name != "all" and name not in NOTEBOOKS:
            known = ", ".join(NOTEBOOKS)
            raise ConfigError(
                f"there is no notebook {name!r}; choose one of {known}, or all"
                f"{did_you_mean(name, NOTEBOOKS)}"
            )
    return [make(quick) for name, make in NOTEBOOKS.items() if name in names or "all" in names]
