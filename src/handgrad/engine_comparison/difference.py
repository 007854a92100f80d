"""Computes the differences between two engines, tensor by tensor, in order of computation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from handgrad.engine_comparison.result import KINDS, Difference
from handgrad.engines import Trace
from handgrad.layers import Array, Layer
from handgrad.network import Network, layer_name


def compare_results(
    ours: Network, theirs: Network, loss: float, other_loss: float
) -> Iterator[Difference]:
    """Yield the differences in the loss and in all arrays after a step."""
    yield Difference("loss", "loss", "loss", abs(loss - other_loss) / max(1.0, abs(loss)))
    for arrays, others in ((ours.parameters, theirs.parameters), (ours.buffers, theirs.buffers)):
        for name, value in _relative_by_layer(arrays, others).items():
            index, _, tensor = name.partition(".")
            yield Difference("parameters", layer_name(ours.layers, int(index)), tensor, value)


def compare_traces(layers: Sequence[Layer], ours: Trace, theirs: Trace) -> Iterator[Difference]:
    """Yield the differences in those intermediate results that both engines provide."""
    names = [layer_name(layers, index) for index in range(len(layers))]
    for layer in names:
        if layer in ours.activations and layer in theirs.activations:
            value = _relative(ours.activations[layer], theirs.activations[layer])
            yield Difference("activations", layer, "Y", value)
    if "loss" in ours.flows and "loss" in theirs.flows:
        value = _relative(ours.flows["loss"], theirs.flows["loss"])
        yield Difference("gradients", "loss", "dlogits", value)
    values = _relative_by_layer(ours.gradients, theirs.gradients)
    for index, layer in reversed(list(enumerate(names))):
        for name, value in values.items():
            first, *inner, tensor = name.split(".")
            if int(first) == index:
                yield Difference("gradients", layer, ".".join([*inner, f"d{tensor}"]), value)
        if layer in ours.flows and layer in theirs.flows:
            flows = (_flow(trace, layer, names[index - 1]) for trace in (ours, theirs))
            yield Difference("gradients", layer, "dX", _relative(*flows))


def largest(differences: list[Difference]) -> dict[str, float]:
    """Return the largest difference of each kind."""
    return {
        kind: max(values)
        for kind in KINDS
        if (values := [d.value for d in differences if d.kind == kind])
    }


def _flow(trace: Trace, layer: str, before: str) -> Array:
    """Return dX (N, I) or, for images, Σ X dX (N, C), on which max-pooling ties have no effect."""
    dX = trace.flows[layer]
    return dX if dX.ndim < 4 else np.einsum("nchw,nchw->nc", trace.activations[before], dX)


def _relative(ours: Array, theirs: Array) -> float:
    """Return the norm of the difference, divided by the norm of the first engine's array."""
    return _relative_by_layer({"": ours}, {"": theirs})[""]


def _relative_by_layer(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> dict[str, float]:
    """Return the norm of each difference, divided by the norm of its layer's arrays."""
    squares: dict[str, float] = defaultdict(float)
    for name, array in ours.items():
        squares[name.rpartition(".")[0]] += _norm(array) ** 2
    found = {}
    for name, array in ours.items():
        scale = squares[name.rpartition(".")[0]] ** 0.5
        error = _norm(array.astype(np.float64) - theirs[name])
        found[name] = error / scale if scale else float(np.inf if error else 0.0)
    return found


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array.astype(np.float64, copy=False).ravel()))
