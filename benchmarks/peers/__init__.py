"""The contestants: who takes part, and where each is written."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from handgrad.engines import ENGINES

Role = Literal["ours", "peer", "twin", "limit", "case"]


class Contestant(NamedTuple):
    """One who takes part.

    Attributes:
        title: what the tables call it.
        role: "ours", a "peer", the "twin" that lets a peer do our work, the machine's "limit", or
            one "case" of ours beside others.
        where: the class that plays it, as "module:name".
        arguments: what the class is given beside the work.
    """

    title: str
    role: Role
    where: str
    arguments: tuple[str, ...] = ()


class Trains(Protocol):
    """A contestant that trains, from the initial weights of the work it was built with."""

    def epoch(self, order: NDArray[np.int64]) -> float:
        """Make one update for each batch of `order`, and return the mean loss before them."""
        ...


class Predicts(Protocol):
    """A contestant that predicts, with the initial weights of the work it was built with.

    Attributes:
        images: the work's images (M, C, H, W) in the form that it wants them.
    """

    images: NDArray[Any]

    def logits(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the logits (N, K) of images (N, C, H, W)."""
        ...


def _peer(title: str, where: str) -> Contestant:
    return Contestant(title, "peer", f"benchmarks.peers.{where}")


def role_of(engine: str) -> Role:
    """Return the role of an engine: the one that runs in PyTorch is fast or slow by PyTorch."""
    return "twin" if engine == "torch" else "ours"


OURS = {
    name: Contestant(f"handgrad {name}", role_of(name), "benchmarks.peers.ours:Handgrad", (name,))
    for name in ENGINES
    if name != "auto"
}

LIMIT = {
    "limit": Contestant("matrix products alone", "limit", "benchmarks.peers.limit:MatrixProducts")
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
