"""The mathematics: one file a family, forward and backward side by side."""

from handgrad.layers.activation import LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from handgrad.layers.chain import Chain, Residual, inner_layers
from handgrad.layers.conv import Conv2d
from handgrad.layers.dense import Dense
from handgrad.layers.dropout import Dropout, Dropout2d
from handgrad.layers.initial import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initial,
    Normal,
    Uniform,
    Zeros,
)
from handgrad.layers.layer import Array, Context, Layer, Shape, Tree, carries, gives_gradients_alone
from handgrad.layers.norm import BatchNorm, Normalize
from handgrad.layers.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from handgrad.layers.shape import Flatten

__all__ = [
    "Array",
    "AvgPool2d",
    "BatchNorm",
    "Chain",
    "Context",
    "Conv2d",
    "Dense",
    "Dropout",
    "Dropout2d",
    "Flatten",
    "GlobalAvgPool2d",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initial",
    "Layer",
    "LeakyReLU",
    "MaxPool2d",
    "Normal",
    "Normalize",
    "ReLU",
    "Residual",
    "Shape",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "Tree",
    "Uniform",
    "Zeros",
    "carries",
    "gives_gradients_alone",
    "inner_layers",
]
