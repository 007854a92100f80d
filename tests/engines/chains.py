"""Draws random chains of layers."""

from __future__ import annotations

from hypothesis import strategies as st

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
    ReLU,
    Residual,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
)
from tests.cases import CLASSES, Case

_ACTIVATIONS = [ReLU(), LeakyReLU(), LeakyReLU(-0.2), Sigmoid(), Tanh(), SiLU()]


def output(layers: list[Layer], shape: Shape) -> Shape:
    """Return the output shape of a chain of layers."""
    return Case("", tuple(layers), shape).output


@st.composite
def _pooling(draw: st.DrawFn, shape: Shape) -> Layer:
    kind = draw(st.sampled_from([MaxPool2d, AvgPool2d]))
    kernel = tuple(draw(st.integers(1, min(3, size))) for size in shape[1:])
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel)
    return kind(kernel, draw(st.sampled_from([None, 1, 2])), padding)


@st.composite
def _convolution(draw: st.DrawFn, shape: Shape) -> Layer:
    kernel = tuple(draw(st.integers(1, min(4, size))) for size in shape[1:])
    stride = (draw(st.integers(1, 2)), draw(st.integers(1, 3)))
    padding = (draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    return Conv2d(draw(st.integers(1, 19)), kernel, stride, padding)


@st.composite
def _residual(draw: st.DrawFn, shape: Shape) -> Layer:
    activation = draw(st.sampled_from(_ACTIVATIONS))
    if len(shape) == 1:
        return Residual((Dense(shape[0]), activation))
    body = (Conv2d(shape[0], 3, padding=1), activation)
    return Residual(body, draw(st.sampled_from([(), (Conv2d(shape[0], 1),), (Sequential(),)])))


def _linear(shape: Shape, units: int) -> Layer:
    return Dense(units) if len(shape) == 1 else Sequential((Flatten(), Dense(units)))


def _layer(shape: Shape) -> st.SearchStrategy[Layer]:
    """Return a strategy that draws one layer for an input of this shape."""
    flat = [
        st.sampled_from(_ACTIVATIONS),
        st.builds(BatchNorm, momentum=st.sampled_from([0.1, 0.5])),
        st.just(Normalize()),
        st.builds(Dropout, st.sampled_from([0.0, 0.3])),
        _residual(shape),
        st.builds(_linear, st.just(shape), st.integers(1, 70)),
    ]
    if len(shape) == 1:
        return st.one_of(*flat)
    whole = st.sampled_from([GlobalAvgPool2d(), Dropout2d(0.3), Flatten()])
    return st.one_of(*flat, _convolution(shape), _convolution(shape), _pooling(shape), whole)


def chain_of(data: st.DataObject) -> Case:
    """Draw a chain of up to seven layers, the shape of its images and a batch size.

    Batches are not too small, because the statistics of two images amplify rounding errors.
    """
    flat = st.tuples(st.integers(2, 40))
    image = st.tuples(st.integers(1, 3), st.integers(2, 9), st.integers(2, 9))
    shape: Shape = data.draw(flat | image, label="shape")
    layers: list[Layer] = []
    for _ in range(data.draw(st.integers(0, 7), label="layers")):
        layers.append(data.draw(_layer(output(layers, shape)), label="layer"))
    if len(output(layers, shape)) == 3:
        layers.append(Flatten())
    batch = data.draw(st.integers(8, 40), label="batch")
    return Case("drawn", (*layers, Dense(CLASSES)), shape, batch)
