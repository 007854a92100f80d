"""The table of competitors, and the interfaces that they implement."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from handgrad.engines import ENGINES

Role = Literal["ours", "peer", "torch", "limit", "case"]


class Competitor(NamedTuple):
    """A framework, or a setting of handgrad, whose speed is compared with that of the others.

    Attributes:
        title: the name of the competitor in the tables.
        role: "ours" for handgrad; "peer" for another framework; "torch" for handgrad's torch
            engine; "limit" for the limit of the machine; "case" for one of several settings of
            handgrad.
        where: the class that implements the competitor, as "module:name".
        arguments: the arguments of the class, which follow the workload.
    """

    title: str
    role: Role
    where: str
    arguments: tuple[str, ...] = ()


class Trains(Protocol):
    """A competitor that trains, starting from the initial weights of its workload."""

    def epoch(self, order: NDArray[np.int64]) -> float:
        """Make one update per batch of `order`, and return the mean loss before the updates."""
        ...


class Predicts(Protocol):
    """A competitor that predicts with the initial weights of its workload.

    Attributes:
        images: the images (M, C, H, W) in the format that the competitor expects.
    """

    images: NDArray[Any]

    def logits(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the logits (N, K) of images (N, C, H, W)."""
        ...


def _peer(title: str, where: str) -> Competitor:
    return Competitor(title, "peer", f"benchmarks.peers.{where}")


def role_of(engine: str) -> Role:
    """Return the role of an engine: "torch" for the torch engine, and "ours" for all others."""
    return "torch" if engine == "torch" else "ours"


OURS = {
    name: Competitor(f"handgrad {name}", role_of(name), "benchmarks.peers.ours:Handgrad", (name,))
    for name in ENGINES
    if name != "auto"
}

LIMIT = {
    "limit": Competitor("matrix products alone", "limit", "benchmarks.peers.limit:MatrixProducts")
}

_TORCH = {"pytorch": _peer("PyTorch eager", "pytorch:Eager")}

TRAINING = {
    **OURS,
    **_TORCH,
    "pytorch-compiled": _peer("torch.compile", "pytorch:Compiled"),
    "jax": _peer("JAX, jitted step", "jax:Step"),
    "jax-scan": _peer("JAX, epoch in one scan", "jax:Scan"),
    "keras": _peer("Keras on JAX", "keras:Keras"),
    "scikit-learn": _peer("scikit-learn", "sklearn:ScikitLearn"),
    "tinygrad": _peer("tinygrad", "tinygrad:Tinygrad"),
    "notebook": _peer("the notebook's NumPy", "notebook:Notebook"),
    **LIMIT,
}

ONLINE = {name: TRAINING[name] for name in (*OURS, "pytorch", "jax-scan", "notebook")}

PREDICTING = {
    **OURS,
    **_TORCH,
    "onnxruntime": _peer("ONNX Runtime", "onnx:OnnxRuntime"),
}
