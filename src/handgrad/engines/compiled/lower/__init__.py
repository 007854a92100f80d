"""Lowering rules, which translate each layer into kernel calls. There is one file per layer family.

To change which kernels a layer uses, edit its rule in the file with the same name as the
layer's own file. To register a new rule, add it to `LOWERING_RULES`.
"""

from handgrad.engines.compiled.lower import (
    activation,
    batch_size_one,
    chain,
    conv,
    dense,
    dropout,
    norm,
    pool,
    reference,
)
from handgrad.engines.compiled.lower.builder import LoweringRule
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

# The rule under None is that of all other layers.
LOWERING_RULES: dict[type | None, LoweringRule] = {
    AvgPool2d: pool.avg_pool,
    BatchNorm: norm.batch_norm,
    Sequential: chain.chain,
    Conv2d: conv.conv,
    Dense: dense.dense,
    Dropout: dropout.dropout,
    Dropout2d: dropout.dropout,
    Flatten: chain.flatten,
    GlobalAvgPool2d: pool.global_avg_pool,
    LeakyReLU: activation.leaky_relu,
    MaxPool2d: pool.max_pool,
    Normalize: norm.normalize,
    ReLU: activation.activation,
    Residual: chain.residual,
    Sigmoid: activation.activation,
    SiLU: activation.activation,
    Tanh: activation.activation,
    None: reference.reference,
}

# The rules for batches of one image.
BATCH_SIZE_ONE_RULES: dict[type | None, LoweringRule] = {
    Dense: batch_size_one.dense,
    Flatten: chain.flatten,
    LeakyReLU: activation.leaky_relu,
    ReLU: activation.activation,
    Sigmoid: activation.activation,
    SiLU: activation.activation,
    Tanh: activation.activation,
    None: reference.reference,
}
