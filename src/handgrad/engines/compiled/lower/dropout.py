"""Dropout, of single numbers and of channels."""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.plan import Buffer, Inlet, Place
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import Dropout, Dropout2d


def dropout(
    b: Builder, layer: Dropout | Dropout2d, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down dropout; at inference it does nothing."""
    if not b.training:
        return X, lambda dY: None
    features = X.shape[0] if isinstance(layer, Dropout2d) else X.features
    area = X.features // features
    M = Buffer(f"{b.plan.layer}: M", features * LANES)
    p, scale = layer.p, 1 / (1 - layer.p)
    word = int(np.uint64(number % 2**64).astype(np.int64))
    key = Inlet("dropout_key")
    b.chunks("dropout.mask", M, features, p, scale, key, word, Place.CLOCK, Place.CHUNK)
    Y = b.beside("Y", X)
    b.chunks("dropout.apply", Y.buffer, M, features, area)

    def backward(dY: Value) -> Value | None:
        if not X.learned:
            return None
        b.chunks("dropout.apply", dY.buffer, M, features, area)
        return dY

    return Y, backward
