"""Implements ONNX's operators with our layers, loss and optimizers.

Each function takes a case and returns its outputs, computed by our code. The function itself only
rearranges arrays: it transposes a weight, multiplies it by a factor, or moves the class axis to
the end. If rearranging is not enough, the function raises a `NotApplicableError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from conformance.cases.losses import cross_entropy
from conformance.cases.result import NotApplicableError, as_examples, forward
from handgrad.layers import (
    Array,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)
from handgrad.layers.im2col import Pair
from handgrad.losses import log_softmax, softmax
from handgrad.optim import Adam, Momentum


class Case(NamedTuple):
    """One of ONNX's test cases.

    Attributes:
        name: the name of the case in ONNX.
        operator: the name of the operator.
        attributes: the settings of the operator.
        inputs: the input arrays, in ONNX's order.
        outputs: the expected output arrays.
    """

    name: str
    operator: str
    attributes: Mapping[str, Any]
    inputs: list[Array]
    outputs: list[Array]


def gemm(case: Case) -> list[Array]:
    """Y = α A B + β C: a Dense with weight αBᵀ and bias βC."""
    A, B, *rest = case.inputs
    X = A.T if case.attributes.get("transA") else A
    weight = B if case.attributes.get("transB") else B.T
    bias = rest[0] if rest else np.zeros(1, A.dtype)
    if bias.ndim == 2 and len(bias) > 1:
        raise NotApplicableError("a separate bias for each example")
    alpha, beta = case.attributes.get("alpha", 1.0), case.attributes.get("beta", 1.0)
    bias = np.broadcast_to(beta * bias.reshape(-1), (len(weight),))
    return [forward(Dense(len(weight)), X, {"weight": alpha * weight, "bias": bias}).Y]


def matmul(case: Case) -> list[Array]:
    """Y = A B: a Dense with weight Bᵀ and bias 0."""
    A, B = case.inputs
    if B.ndim > 2:
        raise NotApplicableError("a separate matrix for each example")
    weight = B.T.reshape(-1, B.shape[0])
    Y = forward(Dense(len(weight)), as_examples(A, 1), {"weight": weight}).Y
    return [Y.reshape(case.outputs[0].shape)]


def add(case: Case) -> list[Array]:
    """Y = A + B: a Residual on [A, B], whose body selects A and whose shortcut selects B."""
    A, B = (as_examples(np.broadcast_to(x, case.outputs[0].shape), 1) for x in case.inputs)
    size = A.shape[1]
    pick = np.eye(2 * size, dtype=A.dtype)
    arrays = {"body": {"0": {"weight": pick[:size]}}, "shortcut": {"0": {"weight": pick[size:]}}}
    select = (Dense(size),)
    return [
        forward(Residual(select, select), np.hstack([A, B]), arrays).Y.reshape(
            case.outputs[0].shape
        )
    ]


def conv(case: Case) -> list[Array]:
    """A Conv2d; a missing bias is 0."""
    X, weight, *_ = case.inputs
    stride, padding = _stride(case), _padding(case)
    return [
        forward(Conv2d(len(weight), weight.shape[2:], stride, padding), X, {"weight": weight}).Y
    ]


def max_pool(case: Case) -> list[Array]:
    """A MaxPool2d; the indices, if required, are derived from its backward."""
    layer = MaxPool2d(tuple(case.attributes["kernel_shape"]), _stride(case), _padding(case))
    Y = forward(layer, case.inputs[0]).Y
    return [Y] if len(case.outputs) == 1 else [Y, _indices(layer, case, Y.size)]


def average_pool(case: Case) -> list[Array]:
    """An AvgPool2d, whose mean includes the padding."""
    padding = _padding(case)
    if any(padding) and not case.attributes.get("count_include_pad"):
        raise NotApplicableError("the mean excludes the padding; ours includes it")
    kernel = tuple(case.attributes["kernel_shape"])
    return [forward(AvgPool2d(kernel, _stride(case), padding), case.inputs[0]).Y]


def global_average_pool(case: Case) -> list[Array]:
    """A GlobalAvgPool2d, reshaped to axes of length 1."""
    Y = forward(GlobalAvgPool2d(), case.inputs[0]).Y
    return [Y.reshape(case.outputs[0].shape)]


def flatten(case: Case) -> list[Array]:
    """A Flatten, which keeps the batch axis."""
    X = case.inputs[0]
    if case.attributes.get("axis", 1) % X.ndim != 1:
        raise NotApplicableError("it flattens the batch axis; ours keeps it")
    return [forward(Flatten(), X).Y]


def batch_normalization(case: Case) -> list[Array]:
    """A BatchNorm at inference."""
    X, weight, bias, mean, var = case.inputs
    if case.attributes.get("training_mode"):
        raise NotApplicableError(
            "its running variance is divided by N; ours is divided by N − 1, as in PyTorch"
        )
    arrays = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": var}
    return [forward(BatchNorm(case.attributes.get("epsilon", 1e-5)), X, arrays).Y]


def dropout(case: Case) -> list[Array]:
    """A Dropout; the mask is obtained by running its backward on ones."""
    X, *rest = case.inputs
    ratio = float(rest[0]) if rest else case.attributes.get("ratio", 0.5)
    training = bool(rest[1]) if len(rest) > 1 else False
    if training and ratio > 0:
        raise NotApplicableError("its random mask comes from a different generator")
    passed = forward(Dropout(ratio), X, training=training)
    mask = passed.back(np.ones_like(X))[0] != 0
    return [passed.Y, mask][: len(case.outputs)]


def classes(function: Callable[[Array], Array], default: int) -> Callable[[Case], list[Array]]:
    """Return the operator that applies a function to rows of logits."""

    def run(case: Case) -> list[Array]:
        """Our function of the same name, with the class axis moved to the end."""
        axis = case.attributes.get("axis", default)
        Z = np.moveaxis(case.inputs[0], axis, -1)
        rows = function(as_examples(Z, 1))
        return [np.moveaxis(rows.reshape(Z.shape), -1, axis)]

    return run


def softmax_cross_entropy(case: Case) -> list[Array]:
    """A SoftmaxCrossEntropy, and the log-probabilities if required."""
    Z, y, *rest = case.inputs
    weight, ignored = rest[0] if rest else None, case.attributes.get("ignore_index")
    reduction = case.attributes.get("reduction", b"mean").decode()
    ones = np.ones_like(case.outputs[0])
    loss = cross_entropy(Z, y, weight, reduction, ignored, ones).value
    return [loss.astype(Z.dtype), log_softmax(Z)][: len(case.outputs)]


def negative_log_likelihood(case: Case) -> list[Array]:
    """A SoftmaxCrossEntropy: its log-softmax does not change log-probabilities."""
    if not np.allclose(np.exp(case.inputs[0]).sum(axis=1), 1):
        raise NotApplicableError("its inputs are not log-probabilities")
    return softmax_cross_entropy(case)


def adam(case: Case) -> list[Array]:
    """An Adam at a late step, which has no bias correction left, like ONNX's Adam at T = 0.

    The L2 penalty is added to the gradient.
    """
    lr, T, *arrays = case.inputs
    if T != 0:
        raise NotApplicableError("its bias correction differs from the paper's")
    a = case.attributes
    rule, late = Adam(float(lr), a["alpha"], a["beta"], a["epsilon"]), 10**6
    parameters, gradients, means, squares = _in_groups(arrays, 4)
    for W, dW, M, V in zip(parameters, gradients, means, squares, strict=True):
        dW += np.float32(a["norm_coefficient"]) * W
        rule.update(W, dW, {"mean": M, "square": V}, rule.lr, late)
    return [*parameters, *means, *squares]


def momentum(case: Case) -> list[Array]:
    """A Momentum with the L2 penalty as its weight decay."""
    lr, T, *arrays = case.inputs
    a = case.attributes
    if T != 0 and a["beta"] != 1:
        raise NotApplicableError("it multiplies the newest gradient by a factor; ours does not")
    decay, nesterov = a["norm_coefficient"], a["mode"] == b"nesterov"
    rule = Momentum(float(lr), a["alpha"], nesterov, decay)
    parameters, gradients, velocities = _in_groups(arrays, 3)
    for W, dW, V in zip(parameters, gradients, velocities, strict=True):
        rule.update(W, dW, {"velocity": V}, rule.lr, 1)
    return [*parameters, *velocities]


def elementwise(layer: Layer) -> Callable[[Case], list[Array]]:
    """Return the operator that applies an activation."""

    def run(case: Case) -> list[Array]:
        """Our activation of the same name."""
        return [forward(layer, case.inputs[0]).Y]

    return run


def leaky_relu(case: Case) -> list[Array]:
    """A LeakyReLU."""
    return [forward(LeakyReLU(case.attributes.get("alpha", 0.01)), case.inputs[0]).Y]


OPERATORS: dict[str, Callable[[Case], list[Array]]] = {
    "Gemm": gemm,
    "MatMul": matmul,
    "Add": add,
    "Conv": conv,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "Flatten": flatten,
    "BatchNormalization": batch_normalization,
    "Relu": elementwise(ReLU()),
    "LeakyRelu": leaky_relu,
    "Sigmoid": elementwise(Sigmoid()),
    "Tanh": elementwise(Tanh()),
    "Softmax": classes(softmax, -1),
    "LogSoftmax": classes(log_softmax, -1),
    "Dropout": dropout,
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy,
    "NegativeLogLikelihoodLoss": negative_log_likelihood,
    "Adam": adam,
    "Momentum": momentum,
}


def _stride(case: Case) -> Pair:
    down, across = case.attributes.get("strides", (1, 1))
    return down, across


def _padding(case: Case) -> Pair:
    """Return the vertical and horizontal padding; ours is symmetric."""
    top, left, bottom, right = case.attributes.get("pads", (0, 0, 0, 0))
    if case.attributes.get("auto_pad", b"NOTSET").startswith(b"SAME"):
        (top, bottom), (left, right) = _same(case)
    if (top, left) != (bottom, right):
        raise NotApplicableError("asymmetric padding; ours is symmetric")
    return top, left


def _same(case: Case) -> list[Pair]:
    """Return the padding before and after each axis for which the output size is ⌈size/stride⌉."""
    borders = []
    for size, kernel, stride in zip(
        case.inputs[0].shape[2:], case.attributes["kernel_shape"], _stride(case), strict=True
    ):
        whole = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        borders.append((whole // 2, whole - whole // 2))
    return borders


def _indices(layer: MaxPool2d, case: Case, count: int) -> Array:
    """Return the index in X of each output: the position to which backward sends a single 1."""
    passed = forward(layer, np.repeat(case.inputs[0], count, axis=0))
    dX = passed.back(np.eye(count).reshape(passed.Y.shape))[0]
    if case.attributes.get("storage_order"):  # column-major
        dX = dX.swapaxes(2, 3)
    return dX.reshape(count, -1).argmax(axis=1).reshape(case.outputs[1].shape)


def _in_groups(arrays: list[Array], kinds: int) -> list[list[Array]]:
    """Return copies of the arrays in groups: for example all parameters, then all gradients."""
    each = len(arrays) // kinds
    return [[a.copy() for a in arrays[at * each : (at + 1) * each]] for at in range(kinds)]
