"""The layers: one file per family, with the forward and backward formulas side by side."""

from handgrad.layers import activation, chain, conv, dense, dropout, norm, pool, shape
from handgrad.layers.activation import *  # noqa: F403 (each file lists its own layers)
from handgrad.layers.chain import *  # noqa: F403
from handgrad.layers.conv import *  # noqa: F403
from handgrad.layers.dense import *  # noqa: F403
from handgrad.layers.dropout import *  # noqa: F403
from handgrad.layers.layer import (
    Array,
    Context,
    Layer,
    Params,
    Shape,
    gives_gradients_alone,
    has_buffers,
)
from handgrad.layers.norm import *  # noqa: F403
from handgrad.layers.pool import *  # noqa: F403
from handgrad.layers.registry import LAYER_CLASSES, register
from handgrad.layers.shape import *  # noqa: F403

__all__ = [
    "LAYER_CLASSES",
    "Array",
    "Context",
    "Layer",
    "Params",
    "Shape",
    "gives_gradients_alone",
    "has_buffers",
    "register",
]
__all__ += activation.__all__
__all__ += chain.__all__
__all__ += conv.__all__
__all__ += dense.__all__
__all__ += dropout.__all__
__all__ += norm.__all__
__all__ += pool.__all__
__all__ += shape.__all__
