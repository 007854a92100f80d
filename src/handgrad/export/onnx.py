"""Exports a model as an ONNX graph, for programs that do not use handgrad.

The graph takes images of one size, scales uint8 pixels to the range 0 to 1, and returns logits,
probabilities and labels. By default, the graph takes preprocessed images, and its metadata describe
the preprocessing that the caller has to do. If ONNX operators can do the preprocessing, the graph
can take raw images instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import Bundle
from handgrad.errors import MissingExtraError, ModelError
from handgrad.export.embedded_metadata import metadata
from handgrad.files import replacing
from handgrad.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    Params,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
)
from handgrad.layers.im2col import Pair, pair

if find_spec("onnx") is None:
    raise MissingExtraError('ONNX is not installed; install it with pip install "handgrad[onnx]"')

from onnx import ModelProto, TensorProto, checker, helper

from handgrad.export.onnx_graph import Graph
from handgrad.export.onnx_preprocessing import add_preprocessing

OPSET = 17  # from 2022: every ONNX reader supports it
INPUT = "images"
OUTPUTS = ("logits", "probabilities", "label")


def write_onnx(bundle: Bundle, path: Path, *, raw: bool = False) -> None:
    """Write a model to an ONNX file: see `to_onnx`.

    Raises:
        ModelError: if the path does not end in .onnx, or if ONNX has no operator for a layer or,
            for raw images, for a step of the preprocessing.
    """
    if path.suffix != ".onnx":
        raise ModelError(f"{path}: the name of an ONNX file must end in .onnx")
    content = to_onnx(bundle, raw=raw).SerializeToString()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def to_onnx(bundle: Bundle, *, raw: bool = False) -> ModelProto:
    """Return a model as an ONNX graph that computes with float32 numbers.

    The outputs of the graph are "logits" and "probabilities", both (N, K), and "label", (N,).

    Args:
        bundle: the content of a model file.
        raw: whether the input "images" contains raw RGB images, (N, 3, H, W) uint8, that the graph
            preprocesses. Otherwise, "images" contains preprocessed images, (N, C, H, W), of the
            same type (uint8 or float32) as the golden images that the model file stores for
            verification.

    Raises:
        ModelError: if ONNX has no operator for a layer or, for raw images, for a step of the
            preprocessing; or if the name of a class is not valid text.
    """
    about = metadata(bundle) | ({"handgrad.raw": "true"} if raw else {})
    classifier, of_bytes = bundle.classifier, raw or bundle.golden.images.dtype == np.uint8
    net = classifier.network
    graph = Graph()
    X = INPUT
    if raw:
        X = graph.add("Mul", add_preprocessing(graph, classifier, X), graph.number(1 / 255))
    elif of_bytes:
        X = graph.add("Mul", graph.add("Cast", X, to=TensorProto.FLOAT), graph.number(1 / 255))
    for index, layer in enumerate(net.layers):
        X = _layer(graph, layer, net.params[str(index)], X)
    graph.rename(X, "logits")
    _answer(graph, bundle)

    kind = TensorProto.UINT8 if of_bytes else TensorProto.FLOAT
    named = isinstance(classifier.classes[0], str)
    shape, channels = ("N", net.classes), 3 if raw else net.shape[0]
    made = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "handgrad",
            [helper.make_tensor_value_info(INPUT, kind, ("N", channels, *net.shape[1:]))],
            [
                *(helper.make_tensor_value_info(o, TensorProto.FLOAT, shape) for o in OUTPUTS[:2]),
                helper.make_tensor_value_info(
                    OUTPUTS[2], TensorProto.STRING if named else TensorProto.INT64, ("N",)
                ),
            ],
            graph.arrays,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
        producer_name="handgrad",
        producer_version=version("handgrad"),
    )
    helper.set_model_props(made, about)
    checker.check_model(made, full_check=True)
    return made


def _answer(graph: Graph, bundle: Bundle) -> None:
    """Add the outputs for the probabilities and the labels to the graph."""
    classifier, Z = bundle.classifier, "logits"
    if classifier.calibration is not None:
        Z = graph.add("Div", Z, graph.number(classifier.calibration.temperature))
    graph.rename(graph.add("Softmax", Z, axis=1), "probabilities")
    named = isinstance(classifier.classes[0], str)
    labels = graph.array(np.array(classifier.classes, object if named else np.int64))
    best = graph.add("ArgMax", "logits", axis=1, keepdims=0)
    graph.rename(graph.add("Gather", labels, best, axis=0), "label")


def _layer(graph: Graph, layer: Layer, params: Params, X: str) -> str:
    """Add a layer to the graph, and return the name of the layer's output."""
    if type(layer) not in OPERATORS:
        kind = type(layer).__name__
        raise ModelError(
            f"there is no ONNX operator for the layer {kind}; export a model without it"
        )
    return OPERATORS[type(layer)](graph, layer, params, X)


def _chain(graph: Graph, layers: Sequence[Layer], params: Params, X: str) -> str:
    """Add layers one after another, and return the name of the last layer's output."""
    for index, layer in enumerate(layers):
        X = _layer(graph, layer, params[str(index)], X)
    return X


def _conv(graph: Graph, layer: Conv2d, params: Params, X: str) -> str:
    arrays = graph.array(params["weight"]), graph.array(params["bias"])
    window = _window(layer.kernel, layer.stride, layer.padding)
    return graph.add("Conv", X, *arrays, **window)


def _pool(graph: Graph, layer: MaxPool2d | AvgPool2d, _: Params, X: str) -> str:
    stride = layer.kernel if layer.stride is None else layer.stride
    window = _window(layer.kernel, stride, layer.padding)
    if isinstance(layer, MaxPool2d):
        return graph.add("MaxPool", X, **window)
    return graph.add("AveragePool", X, **window, count_include_pad=1)


def _window(kernel: int | Pair, stride: int | Pair, padding: int | Pair) -> dict[str, Any]:
    return {
        "kernel_shape": pair(kernel),
        "strides": pair(stride),
        "pads": (*pair(padding), *pair(padding)),  # above and left, below and right
    }


def _batch_norm(graph: Graph, layer: BatchNorm, params: Params, X: str) -> str:
    names = ("weight", "bias", "running_mean", "running_var")
    arrays = (graph.array(params[name]) for name in names)
    return graph.add("BatchNormalization", X, *arrays, epsilon=layer.eps)


def _normalize(graph: Graph, _: Normalize, params: Params, X: str) -> str:
    mean, std = (_by_channel(params[name]) for name in ("mean", "std"))
    return graph.add("Div", graph.add("Sub", X, graph.array(mean)), graph.array(std))


def _by_channel(values: NDArray[Any]) -> NDArray[Any]:
    """Return per-channel values in a shape that broadcasts with images (N, C, H, W)."""
    return values if len(values) == 1 else values.reshape(1, -1, 1, 1)


def _residual(graph: Graph, layer: Residual, params: Params, X: str) -> str:
    body = _chain(graph, layer.body, params["body"], X)
    return graph.add("Add", body, _chain(graph, layer.shortcut, params["shortcut"], X))


OPERATORS: dict[type[Any], Callable[[Graph, Any, Params, str], str]] = {
    Dense: lambda graph, _, params, X: graph.add(
        "Gemm", X, graph.array(params["weight"]), graph.array(params["bias"]), transB=1
    ),
    Conv2d: _conv,
    MaxPool2d: _pool,
    AvgPool2d: _pool,
    GlobalAvgPool2d: lambda graph, _, __, X: graph.add(
        "Flatten", graph.add("GlobalAveragePool", X), axis=1
    ),
    Flatten: lambda graph, _, __, X: graph.add("Flatten", X, axis=1),
    BatchNorm: _batch_norm,
    Normalize: _normalize,
    ReLU: lambda graph, _, __, X: graph.add("Relu", X),
    LeakyReLU: lambda graph, layer, _, X: graph.add("LeakyRelu", X, alpha=layer.slope),
    Sigmoid: lambda graph, _, __, X: graph.add("Sigmoid", X),
    Tanh: lambda graph, _, __, X: graph.add("Tanh", X),
    SiLU: lambda graph, _, __, X: graph.add("Mul", X, graph.add("Sigmoid", X)),
    Dropout: lambda *given: given[-1],
    Dropout2d: lambda *given: given[-1],
    Sequential: lambda graph, layer, params, X: _chain(graph, layer.layers, params, X),
    Residual: _residual,
}
