"""Compares our code with PyTorch on the sample inputs of PyTorch's own operation tests."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.cases.losses import cross_entropy
from conformance.cases.opinfo_operators import LAYERS, Setup, Tensor
from conformance.cases.result import NotApplicableError, Result, as_examples, forward, require
from handgrad.layers import Array
from handgrad.losses import log_softmax, softmax

LIMIT = 1e-12  # relative, as a norm over an array, in float64

Arrays = dict[str, Array]


@dataclass(frozen=True)
class Ours:
    """A sample of a PyTorch operation, converted for our code.

    Attributes:
        tensors: the tensors whose gradients are compared, keyed by handgrad's names.
        compute: a function that takes dY and returns arrays by name: "Y" and the gradients, such as
            "dX".
    """

    tensors: dict[str, Tensor]
    compute: Callable[[Array], Arrays]


def opinfo_results() -> list[Result]:
    """Run all samples of the operations that we have, using each operation's first `OpInfo` entry.

    Raises:
        MissingExtraError: if PyTorch or a package that its samples need is not installed.
    """
    torch = require("torch", "torch")
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")  # PyTorch's warnings about its own samples
        return [
            run(operation, *sample) for operation in OPERATIONS for sample in samples(operation)
        ]


def samples(operation: str) -> Iterator[tuple[Callable[..., Tensor], Any]]:
    """Yield each sample of an operation, together with the operation as a function."""
    torch = require("torch", "torch")
    database = require("torch.testing._internal.common_methods_invocations", "test").op_db
    info = next(info for info in database if info.name == operation)
    for sample in info.sample_inputs("cpu", torch.float64, requires_grad=True):
        yield info.op, sample


def run(operation: str, function: Callable[..., Tensor], sample: Any) -> Result:
    """Compare our code with PyTorch on a sample, or report why the sample does not apply."""
    name = "x".join(map(str, sample.input.shape)) or "scalar"
    try:
        ours = OPERATIONS[operation](sample)
        Y = function(sample.input, *sample.args, **sample.kwargs)
        # Random, because ones are in the null space of batch norm; positive, as weights of losses.
        dY = np.random.default_rng(0).uniform(0.5, 1.5, tuple(Y.shape))
        found = ours.compute(dY)
    except NotApplicableError as reason:
        return Result(operation, name, None, LIMIT, str(reason))
    if ours.tensors:
        Y.backward(Y.new_tensor(dY))
    theirs = {"Y": Y} | {f"d{key}": tensor.grad for key, tensor in ours.tensors.items()}
    if not any(tensor.numel() for tensor in theirs.values()):
        return Result(operation, name, None, LIMIT, "empty tensors")
    return Result(operation, name, error(found, {k: array(t) for k, t in theirs.items()}), LIMIT)


def of_layer(layer: Callable[..., Setup]) -> Callable[[Any], Ours]:
    """Return a function that converts a sample to a comparison for a layer."""

    def ours(sample: Any) -> Ours:
        setup = layer(*sample.args, **sample.kwargs)
        X = array(sample.input)
        X = as_examples(X, max(X.ndim - 1, 1) if setup.axes is None else setup.axes)
        given = {name: array(t) for name, t in setup.tensors.items() if t is not None}
        learned = {name: setup.tensors[name] for name in given if name in ("weight", "bias")}

        def compute(dY: Array) -> Arrays:
            passed = forward(setup.layer, X, given, setup.training)
            dX, gradients = passed.back(dY.reshape(passed.Y.shape))
            found = {f"d{name}": gradients[name] for name in learned}
            return {"Y": passed.Y.reshape(dY.shape), "dX": dX.reshape(sample.input.shape)} | found

        return Ours({"X": sample.input} | learned, compute)

    return ours


def of_rows(function: Callable[[Array], Array]) -> Callable[[Any], Ours]:
    """Return a function that converts a sample to a comparison for a function of each row.

    Gradients are not compared, because we differentiate softmax only as a part of the loss.
    """

    def ours(sample: Any) -> Ours:
        Z, (axis,) = array(sample.input), sample.args
        if not Z.ndim or not Z.shape[axis]:
            raise NotApplicableError("no classes")
        Z = np.moveaxis(Z, axis, -1)
        Y = np.moveaxis(function(as_examples(Z, 1)).reshape(Z.shape), -1, axis)
        return Ours({}, lambda _: {"Y": Y})

    return ours


def loss(sample: Any) -> Ours:
    """Convert a sample to a comparison for SoftmaxCrossEntropy and its gradient."""
    (y,), settings = map(array, sample.args), sample.kwargs
    if not np.issubdtype(y.dtype, np.integer):
        raise NotApplicableError("the targets are probabilities; ours are labels")
    Z, weight = array(sample.input), settings.get("weight")
    form = (
        None if weight is None else array(weight),
        settings.get("reduction", "mean"),
        settings.get("ignore_index"),
    )

    def compute(dY: Array) -> Arrays:
        value, dZ = cross_entropy(Z, y, *form, dY)
        return {"Y": value, "dX": dZ}

    return Ours({"X": sample.input}, compute)


OPERATIONS: dict[str, Callable[[Any], Ours]] = {
    **{name: of_layer(layer) for name, layer in LAYERS.items()},
    "softmax": of_rows(softmax),
    "log_softmax": of_rows(log_softmax),
    "nn.functional.cross_entropy": loss,
}


def error(ours: Arrays, theirs: Arrays) -> float:
    """Return the largest error among the arrays, relative to the norm of PyTorch's array.

    If terms cancel, as in dX of a batch norm over two examples, only a few digits are exact.
    Therefore the error is relative to at least eps / LIMIT times the norm of all arrays. The error
    is infinite if shapes or dtypes differ.
    """
    norms = {name: float(np.linalg.norm(array)) for name, array in theirs.items()}
    least = float(np.linalg.norm(list(norms.values())) * np.finfo(np.float64).eps / LIMIT)
    worst = 0.0
    for name, norm in norms.items():
        if ours[name].shape != theirs[name].shape or ours[name].dtype != theirs[name].dtype:
            return np.inf
        difference = float(np.linalg.norm(ours[name] - theirs[name]))
        scale = max(norm, least)
        worst = max(worst, difference / scale if scale else difference)
    return worst


def array(tensor: Tensor) -> Array:
    """Convert a tensor to a NumPy array."""
    return tensor.detach().numpy()
