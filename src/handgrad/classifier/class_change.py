"""Other classes for a trained network: the rows of its last layer are kept, added or dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from handgrad.class_names import Label, as_text
from handgrad.errors import ModelError
from handgrad.layers import Dense
from handgrad.network import Network, layer_name

_SHOWN = 10  # class names listed in a sentence


@dataclass(frozen=True)
class ClassChange:
    """The difference between the classes of a trained network and those of new data.

    Names are compared as text, so that the class 3 of a data set and the folder "3" are the same.

    Attributes:
        kept: the new names of the classes that both have.
        added: the classes that only the new data has.
        dropped: the classes that only the network has.
    """

    kept: tuple[Label, ...]
    added: tuple[Label, ...]
    dropped: tuple[Label, ...]

    @classmethod
    def between(cls, old: Sequence[Label], new: Sequence[Label]) -> ClassChange:
        """Compare the classes of a network with the classes of new data."""
        had, has = set(map(as_text, old)), set(map(as_text, new))
        return cls(
            kept=tuple(name for name in new if as_text(name) in had),
            added=tuple(name for name in new if as_text(name) not in had),
            dropped=tuple(name for name in old if as_text(name) not in has),
        )

    def __str__(self) -> str:
        parts = []
        if self.kept:
            parts.append(f"keeps the rows of {_listed(self.kept)}")
        if self.added:
            parts.append(f"adds new rows for {_listed(self.added)}")
        if self.dropped:
            parts.append(f"drops {_listed(self.dropped)}")
        return "; ".join(parts)


def with_classes(
    network: Network, old: Sequence[Label], new: Sequence[Label], seed: int
) -> Network:
    """Return a copy of a network with one logit per class of `new`.

    Each row of the last layer's weights, and each bias, belongs to one class. A class that is in
    both `old` and `new` keeps its row. Other classes of `new` get a new row. All other layers keep
    their arrays.

    Args:
        network: the trained network.
        old: the classes of the network, in the order of its logits.
        new: the classes of the result, in the order of its logits.
        seed: determines the new rows.

    Raises:
        ModelError: if the classes or their order differ and the last layer is not a `Dense`.
    """
    names = [as_text(name) for name in old]
    if [as_text(name) for name in new] == names:
        return network.copy()
    index = len(network.layers) - 1
    last = network.layers[index]
    if type(last) is not Dense:
        raise ModelError(
            f"the last layer {layer_name(network.layers, index)} is not a Dense, so it has no row "
            f"of weights per class; use the classes {', '.join(names[:_SHOWN])} in this order"
        )
    layers = (*network.layers[:index], dataclasses.replace(last, units=len(new)))
    result = Network(layers, network.shape, len(new), seed=seed, dtype=network.dtype)
    result.is_fitted = network.is_fitted
    rows = [
        (row, names.index(as_text(name))) for row, name in enumerate(new) if as_text(name) in names
    ]
    for name, array in network.arrays.items():
        if name not in (f"{index}.weight", f"{index}.bias"):
            result.arrays[name] = array
            continue
        for row, old_row in rows:
            result.arrays[name][row] = array[old_row]
    return result


def _listed(names: Sequence[Label]) -> str:
    """Return "the class a", or "the classes a, b", with at most ten names."""
    more = f", ... ({len(names)})" if len(names) > _SHOWN else ""
    plural = "es" if len(names) > 1 else ""
    return f"the class{plural} {', '.join(map(str, names[:_SHOWN]))}{more}"
