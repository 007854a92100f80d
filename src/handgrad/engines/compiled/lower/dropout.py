"""Translates Dropout and Dropout2d into kernel calls."""

from __future__ import annotations

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.calls import Buffer, RunArgument
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import Dropout, Dropout2d


def dropout(
    b: Builder, layer: Dropout | Dropout2d, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit Dropout or Dropout2d; at inference, both are the identity."""
    if not b.training:
        return X, lambda dY: None
    features = X.shape[0] if isinstance(layer, Dropout2d) else X.features
    area = X.features // features
    M = Buffer(f"{b.plan.layer}: M", features * LANES)
    b.per_chunk(
        "dropout.mask",
        M=M,
        features=features,
        p=layer.p,
        scale=1 / (1 - layer.p),
        dropout_key=RunArgument("dropout_key"),
        layer=int(np.uint64(number % 2**64).astype(np.int64)),
    )
    Y = b.in_place("Y", X)
    b.per_chunk("dropout.apply", X=Y.buffer, M=M, features=features, area=area)

    def backward(dY: Value) -> Value | None:
        if not X.requires_grad:
            return None
        b.per_chunk("dropout.apply", X=dY.buffer, M=M, features=features, area=area)
        return dY

    return Y, backward
