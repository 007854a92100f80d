"""A network of linear layers with ReLU in Keras, for one of the notebooks compared with that."""

from __future__ import annotations

from typing import Any

from handgrad.layers import Dense, ReLU
from handgrad.network import Network


def as_keras(net: Network, lr: float) -> Any:
    """Return a network as a Keras model with the same weights, ready to be fitted.

    It takes images as rows (N, I), and gives logits (N, K).

    Args:
        net: the network; of its layers only linear ones and ReLU count.
        lr: the learning rate of its plain gradient descent.
    """
    import keras

    model = keras.Sequential()
    for index, layer in enumerate(net.layers):
        if isinstance(layer, Dense):
            weight, bias = (net.parameters[f"{index}.{name}"] for name in ("weight", "bias"))
            dense = keras.layers.Dense(len(weight))
            dense.build((None, weight.shape[1]))
            dense.set_weights([weight.T, bias])
            model.add(dense)
        elif isinstance(layer, ReLU):
            model.add(keras.layers.ReLU())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(lr), loss)
    return model
