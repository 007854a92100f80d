"""The mathematics: one file a family, forward and backward side by side."""

from handgrad.layers.activation import LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from handgrad.layers.chain import Residual, Sequential, inner_layers
from handgrad.layers.conv import Conv2d
from handgrad.layers.dense import Dense
from handgrad.layers.dropout import Dropout, Dropout2d
from handgrad.layers.layer import (
    Array,
    Context,
    Layer,
    Params,
    Shape,
    gives_gradients_alone,
    has_buffers,
)
from handgrad.layers.norm import BatchNorm, Normalize
from handgrad.layers.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from handgrad.layers.shape import Flatten

__all__ = [
    "Array",
    "AvgPool2d",
    "BatchNorm",
    "Context",
    "Conv2d",
    "Dense",
    "Dropout",
    "Dropout2d",
    "Flatten",
    "GlobalAvgPool2d",
    "Layer",
    "LeakyReLU",
    "MaxPool2d",
    "Normalize",
    "Params",
    "ReLU",
    "Residual",
    "Sequential",
    "Shape",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "gives_gradients_alone",
    "has_buffers",
    "inner_layers",
]
