"""Preprocessing with ONNX operators; the results are bit-for-bit identical to handgrad's.

Only opaque images that already have the network's input size are supported. They can be converted
to grayscale, and dark ink can be inverted. Pillow resizes and crops with integer arithmetic that no
ONNX operator reproduces, so the caller has to resize and crop the images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from handgrad.classifier import Classifier
from handgrad.errors import ModelError
from handgrad.export.onnx_graph import Graph
from handgrad.preprocess import (
    CompositeAlpha,
    Grayscale,
    GrayToRGB,
    Invert,
    InvertDarkInk,
    Preprocessing,
    Resize,
)
from handgrad.preprocess.ink import NOISE

DOUBLE = TensorProto.DOUBLE


def add_preprocessing(graph: Graph, classifier: Classifier, X: str) -> str:
    """Add the operators that convert raw images (N, 3, H, W) uint8 to the network's input.

    Args:
        graph: the graph to add to.
        classifier: the classifier with its preprocessing.
        X: the name of the ONNX tensor that holds the raw images.

    Returns:
        The name of the ONNX tensor that holds the preprocessed images: (N, C, H, W) float32, from 0
        to 255.

    Raises:
        ModelError: if the model has no preprocessing, or one with steps that are not supported.
    """
    if classifier.preprocessing is None:
        raise ModelError("the model has no preprocessing; export it without --raw")
    _, H, W = classifier.shape
    for step in classifier.preprocessing.steps:
        match step:
            case CompositeAlpha() | GrayToRGB():  # the images are opaque and have their colours
                pass
            case Grayscale():
                X = _grey(graph, X)
            case Invert():
                X = graph.add("Sub", graph.array(np.array(255, np.uint8)), X)
            case InvertDarkInk():
                X = _light_ink(graph, X, H, W)
            case Resize(height, width) if (height, width) == (H, W):
                pass  # they have that size already
            case _:
                raise ModelError(
                    f"ONNX has no operator for the step {type(step).__name__} ({step.title}) of "
                    "the preprocessing; export without --raw, and preprocess images as described "
                    "in the metadata"
                )
    return graph.add("Cast", X, to=TensorProto.FLOAT)


def words(preprocessing: Preprocessing) -> str:
    """Return a human-readable description of the preprocessing steps."""
    return ", ".join(step.title for step in preprocessing.steps)


def _grey(graph: Graph, X: str) -> str:
    """Return the luma of RGB images, with the same integer weights as `Grayscale`."""
    weights = graph.array(np.array([19595, 38470, 7471], np.int64).reshape(1, 3, 1, 1))
    weighted = graph.add("Mul", graph.add("Cast", X, to=TensorProto.INT64), weights)
    luma = graph.add("ReduceSum", weighted, graph.array(np.array([1])), keepdims=1)
    rounded = graph.add("Add", luma, graph.array(np.array(1 << 15)))
    grey = graph.add("Div", rounded, graph.array(np.array(1 << 16)))
    return graph.add("Cast", grey, to=TensorProto.UINT8)


def _light_ink(graph: Graph, X: str, H: int, W: int) -> str:
    """Return images (N, 1, H, W) with light ink on a dark background: see `InvertDarkInk`."""
    grey = graph.add("Cast", X, to=DOUBLE)
    rows, columns = (_lines(graph, grey, axis, last) for axis, last in ((2, H - 1), (3, W - 1)))
    edges = graph.add("Concat", *rows, *columns, axis=1)
    plain = _ink(graph, grey, graph.add("Floor", _median(graph, edges, 2 * (H + W))))
    balance = _sum(graph, plain)
    if min(H, W) > 2:  # else all of it is edge, and no shadow can be told
        amount = _sum(graph, graph.add("Abs", plain))
        twice = graph.add("Mul", graph.add("Abs", balance), _double(graph, np.array(2)))
        unclear = graph.add("Less", twice, amount)
        under_shadow = _ink(graph, grey, _shadow(graph, rows, columns, H, W))
        balance = graph.add("Where", unclear, _sum(graph, under_shadow), balance)
    dark = graph.add("Less", balance, _double(graph, np.array(0)))
    inverse = graph.add("Sub", graph.array(np.array(255, np.uint8)), X)
    return graph.add("Where", dark, inverse, X)


def _shadow(graph: Graph, rows: tuple[str, str], columns: tuple[str, str], H: int, W: int) -> str:
    """Return backgrounds (N, 1, H, W) whose lightness changes linearly between opposite edges."""
    top, below = (_median(graph, line, W) for line in rows)
    left, right = (_median(graph, line, H) for line in columns)
    down, across = _between(graph, top, below, (H, 1)), _between(graph, left, right, (1, W))
    total = graph.add("Sum", top, below, left, right)
    middle = graph.add("Div", total, _double(graph, np.array(4)))
    shadow = graph.add("Sub", graph.add("Add", down, across), middle)
    return graph.add("Cast", graph.add("Cast", shadow, to=TensorProto.INT64), to=DOUBLE)


def _lines(graph: Graph, X: str, axis: int, last: int) -> tuple[str, str]:
    """Return the first and last row or column of images (N, 1, H, W), each (N, length)."""
    first, end = (
        graph.add("Gather", X, graph.array(np.array(place)), axis=axis) for place in (0, last)
    )
    return graph.add("Flatten", first, axis=1), graph.add("Flatten", end, axis=1)


def _median(graph: Graph, line: str, length: int) -> str:
    """Return the median of each line (N, length), in the shape (N, 1, 1, 1)."""
    middles = np.array([(length - 1) // 2, length // 2])
    in_order = graph.add("TopK", line, graph.array(np.array([length])), outputs=2, largest=0)
    two = graph.add("Gather", in_order, graph.array(middles), axis=1)
    mean = graph.add("ReduceMean", two, axes=[1], keepdims=1)
    return graph.add("Unsqueeze", mean, graph.array(np.array([2, 3])))


def _between(graph: Graph, start: str, stop: str, shape: tuple[int, int]) -> str:
    """Return values (N, 1, *shape), linearly interpolated from `start` to `stop`."""
    steps = _double(graph, np.array(max(shape) - 1))
    step = graph.add("Div", graph.add("Sub", stop, start), steps)
    places = _double(graph, np.arange(max(shape)).reshape(1, 1, *shape))
    return graph.add("Add", graph.add("Mul", places, step), start)


def _ink(graph: Graph, grey: str, ground: str) -> str:
    """Return the difference between the pixels and the background, without noise."""
    beyond = graph.add("Sub", grey, ground)
    small = graph.add("Less", graph.add("Abs", beyond), _double(graph, np.array(NOISE)))
    return graph.add("Where", small, _double(graph, np.array(0)), beyond)


def _sum(graph: Graph, X: str) -> str:
    """Return the sum of each image's pixels, (N, 1, 1, 1)."""
    return graph.add("ReduceSum", X, graph.array(np.array([2, 3])), keepdims=1)


def _double(graph: Graph, whole: np.ndarray[Any, Any]) -> str:
    """Add integers to the graph as double-precision constants."""
    return graph.add("Cast", graph.array(whole.astype(np.int64)), to=DOUBLE)
