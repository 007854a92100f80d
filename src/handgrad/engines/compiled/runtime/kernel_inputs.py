"""What a run brings along, as the kernels take it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.protocol import BatchStream, Rules, StepResults
from handgrad.layers import Array
from handgrad.random import stream_key


def as_taken(images: NDArray[Any]) -> NDArray[Any]:
    """Return images as the kernels take them: bytes, or else float32."""
    with np.errstate(over="ignore"):  # found, and named, in the step that meets it
        return np.ascontiguousarray(images, np.uint8 if images.dtype == np.uint8 else np.float32)


def _table(batches: BatchStream) -> Array:
    """Return the numbers that say what becomes of each image in its turn."""
    if batches.moves is None:
        return np.zeros(1, np.float32)
    return batches.moves.table(batches.order, batches.images.shape[2:])


def brought(batches: BatchStream, steps: StepResults, rules: Rules, classes: int) -> dict[str, Any]:
    """Return what a run brings along, by the names under which the kernels take it.

    Args:
        batches: the run's images and their order.
        steps: where what comes out is noted.
        rules: how to train.
        classes: how many classes there are.
    """
    weights, own = batches.weights, getattr(rules.loss, "class_weights", None)
    weighted = weights is not None or own is not None
    if weights is None:
        weights = np.ones(len(batches.labels) if weighted else 1)
    own = np.ones(classes) if own is None else np.asarray(own)
    return {
        "images": as_taken(batches.images),
        "order": np.ascontiguousarray(batches.order, np.int64),
        "moves": _table(batches),
        "labels": np.ascontiguousarray(batches.labels, np.int64),
        "weights": np.ascontiguousarray(weights, np.float32),
        "class_weights": np.ascontiguousarray(own, np.float32),
        "weighted": int(weighted),
        "lrs": np.array(batches.lrs, np.float64).view(np.int64),
        "total": len(batches.order),
        "size": batches.size,
        "dropout_key": _signed(stream_key(rules.seed, "dropout")),
        "all_losses": steps.losses.view(np.int64),
        "all_correct": steps.right,
    }


def _signed(word: int) -> int:
    """Return the whole number of 64 bits with a sign that has the same bits."""
    return word - (1 << 64) if word >> 63 else word
