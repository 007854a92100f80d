"""Computes those variants of the cross-entropy loss that ONNX and PyTorch offer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from conformance.cases.result import NotApplicableError, as_examples
from handgrad.layers import Array
from handgrad.losses import SoftmaxCrossEntropy


class LossResult(NamedTuple):
    """A loss and its gradient.

    Attributes:
        value: the loss; one number per example if the reduction is "none".
        gradient: dZ, with the shape of Z.
    """

    value: Array
    gradient: Array


def cross_entropy(
    Z: Array,
    y: Array,
    class_weights: Array | None,
    reduction: str,
    ignored: int | None,
    cotangent: Array,
) -> LossResult:
    """Compute our loss, which is a mean, and convert it to the given reduction.

    Args:
        Z: logits, (N, K, ...), with the classes along axis 1.
        y: the labels, (N, ...).
        class_weights: one weight per class, (K,), or None for equal weights.
        reduction: "mean", "sum" or "none" (one number per example).
        ignored: a class whose examples are ignored, or None.
        cotangent: the cotangent dL for the backward pass, of the same shape as the loss value and
            with nonnegative entries.

    Raises:
        NotApplicableError: if a class weight is negative.
    """
    rows, labels = as_examples(np.moveaxis(Z, 1, -1), 1), y.reshape(-1)
    w = np.ones(len(labels), Z.dtype) if ignored is None else (labels != ignored).astype(Z.dtype)
    labels = np.where(w > 0, labels, 0)  # an ignored class need not be one of the K
    if class_weights is not None and class_weights.min() < 0:
        raise NotApplicableError("a class weight is negative")
    loss = SoftmaxCrossEntropy(class_weights=_tuple(class_weights))
    counted = w if class_weights is None else w * class_weights[labels]

    if reduction == "none":
        each = [loss(rows[[n]], labels[[n]], w[[n]])[0] for n in range(len(labels))]
        value = (counted * np.array(each)).reshape(y.shape)
        w, scale = w * cotangent.reshape(-1), np.sum(counted * cotangent.reshape(-1))
    else:
        scale = 1.0 if reduction == "mean" else counted.sum()
        value = np.asarray(loss(rows, labels, w)[0] * scale)
        scale = scale * cotangent
    drows = loss(rows, labels, w)[1] * scale
    return LossResult(value, np.moveaxis(drows.reshape(*y.shape, -1), -1, 1))


def _tuple(weights: Array | None) -> tuple[float, ...] | None:
    return None if weights is None else tuple(weights.tolist())
