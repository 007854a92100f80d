"""Keras with the JAX backend: a functional model, trained by `compile` and `fit`.

The channels are the last axis, as is usual in Keras. `fit` has no argument for the order of the
images, so it gets the images already in the order of the epoch.
"""

# ruff: noqa: ARG001  all translations have the same parameters

from __future__ import annotations

import os
from functools import singledispatch
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"  # read when it is imported

import keras
import numpy as np

from benchmarks.peers import channels_last
from benchmarks.tasks import Array, Workload
from handgrad import layers
from handgrad.layers import Params
from handgrad.layers.im2col import pair
from handgrad.optim import SGD, Adam, Optimizer


class Keras:
    """Trains with one call of `fit` per epoch."""

    def __init__(self, work: Workload) -> None:
        self.work = work
        self.X = channels_last.images(work.inputs)
        inputs = keras.Input(self.X.shape[1:])
        tree = channels_last.arrays(work.net)
        self.model = keras.Model(inputs, chain(work.net.layers, tree, inputs))
        self.model.compile(
            optimizer=as_optimizer(work.task.optimizer),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            steps_per_execution=8,
        )

    def epoch(self, order: Array) -> float:
        """Make one update per batch of `order`, and return the mean loss before the updates."""
        X, y = self.X[order], self.work.labels[order]
        size = self.work.task.batch
        history = self.model.fit(X, y, size, epochs=1, shuffle=False, verbose=0)
        return float(history.history["loss"][0])


def as_optimizer(rule: Optimizer) -> Any:
    """Return the Keras optimizer."""
    if isinstance(rule, SGD):
        return keras.optimizers.SGD(rule.lr)
    assert isinstance(rule, Adam)
    return keras.optimizers.Adam(rule.lr, rule.beta1, rule.beta2, rule.eps)


def chain(parts: tuple[layers.Layer, ...], tree: Params, X: Any) -> Any:
    """Return the output of a chain of Keras layers that have handgrad's parameters."""
    for index, layer in enumerate(parts):
        X = apply(layer, tree[str(index)], X)
    return X


def started(layer: Any, X: Any, *arrays: Array) -> Any:
    """Return the output of a Keras layer whose parameters have the values in `arrays`."""
    Y = layer(X)
    layer.set_weights([np.asarray(array) for array in arrays])
    return Y


@singledispatch
def apply(layer: layers.Layer, tree: Params, X: Any) -> Any:
    """Return the output of the Keras layer that corresponds to `layer`."""
    raise NotImplementedError(f"this competitor does not support {type(layer).__name__}")


@apply.register
def _(layer: layers.Normalize, tree: Params, X: Any) -> Any:
    return X  # the inputs are standardized already


@apply.register
def _(layer: layers.Flatten, tree: Params, X: Any) -> Any:
    return keras.layers.Flatten()(X)


@apply.register
def _(layer: layers.Dense, tree: Params, X: Any) -> Any:
    units = tree["bias"].size
    return started(keras.layers.Dense(units), X, tree["weight"], tree["bias"])


@apply.register
def _(layer: layers.Conv2d, tree: Params, X: Any) -> Any:
    if any(pair(layer.padding)):
        X = keras.layers.ZeroPadding2D(layer.padding)(X)
    convolution = keras.layers.Conv2D(layer.channels, layer.kernel, layer.stride)
    return started(convolution, X, tree["weight"], tree["bias"])


@apply.register
def _(layer: layers.BatchNorm, tree: Params, X: Any) -> Any:
    names = "weight", "bias", "running_mean", "running_var"
    norm = keras.layers.BatchNormalization(momentum=1 - layer.momentum, epsilon=layer.eps)
    return started(norm, X, *(tree[name] for name in names))


@apply.register
def _(layer: layers.MaxPool2d, tree: Params, X: Any) -> Any:
    return keras.layers.MaxPooling2D(layer.kernel, layer.stride)(X)


@apply.register
def _(layer: layers.AvgPool2d, tree: Params, X: Any) -> Any:
    return keras.layers.AveragePooling2D(layer.kernel, layer.stride)(X)


@apply.register
def _(layer: layers.GlobalAvgPool2d, tree: Params, X: Any) -> Any:
    return keras.layers.GlobalAveragePooling2D()(X)


@apply.register
def _(layer: layers.ReLU, tree: Params, X: Any) -> Any:
    return keras.layers.ReLU()(X)


@apply.register
def _(layer: layers.LeakyReLU, tree: Params, X: Any) -> Any:
    return keras.layers.LeakyReLU(layer.slope)(X)


@apply.register
def _(layer: layers.Tanh, tree: Params, X: Any) -> Any:
    return keras.layers.Activation("tanh")(X)


@apply.register
def _(layer: layers.Dropout, tree: Params, X: Any) -> Any:
    return keras.layers.Dropout(layer.p)(X)


@apply.register
def _(layer: layers.Dropout2d, tree: Params, X: Any) -> Any:
    return keras.layers.SpatialDropout2D(layer.p)(X)


@apply.register
def _(layer: layers.Residual, tree: Params, X: Any) -> Any:
    body, shortcut = chain(layer.body, tree["body"], X), chain(layer.shortcut, tree["shortcut"], X)
    return keras.layers.Add()([body, shortcut])
