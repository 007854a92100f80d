"""How each layer is laid down as stages: one file a family, with the same names as the layers."""

from handgrad.engines.compiled.lower import (
    activation,
    chain,
    conv,
    dense,
    dropout,
    norm,
    pool,
    reference,
)
from handgrad.engines.compiled.lower import batch_size_one as single
from handgrad.engines.compiled.lower.builder import Emitter
from handgrad.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Sigmoid,
    SiLU,
    Tanh,
)
from handgrad.layers.chain import Sequential

EMITTERS: dict[type | None, Emitter] = {
    AvgPool2d: pool.average,
    BatchNorm: norm.batch_norm,
    Sequential: chain.chain,
    Conv2d: conv.conv,
    Dense: dense.dense,
    Dropout: dropout.dropout,
    Dropout2d: dropout.dropout,
    Flatten: chain.flatten,
    GlobalAvgPool2d: pool.global_average,
    LeakyReLU: activation.leaky_relu,
    MaxPool2d: pool.maximum,
    Normalize: norm.normalize,
    ReLU: activation.activation,
    Residual: chain.residual,
    Sigmoid: activation.activation,
    SiLU: activation.activation,
    Tanh: activation.activation,
    None: reference.reference,
}

SINGLE: dict[type | None, Emitter] = {
    Dense: single.dense,
    Flatten: chain.flatten,
    LeakyReLU: activation.leaky_relu,
    ReLU: activation.activation,
    Sigmoid: activation.activation,
    SiLU: activation.activation,
    Tanh: activation.activation,
    None: reference.reference,
}
