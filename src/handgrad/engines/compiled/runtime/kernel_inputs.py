"""Converts the images, labels, order and learning rates of a run to kernel arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.protocol import BatchStream, StepResults
from handgrad.layers import Array
from handgrad.random import stream_key
from handgrad.train_config import TrainConfig


def as_kernel_images(images: NDArray[Any]) -> NDArray[Any]:
    """Return uint8 images unchanged, and convert images of any other type to float32."""
    with np.errstate(over="ignore"):  # the step that reads an infinite pixel reports it
        return np.ascontiguousarray(images, np.uint8 if images.dtype == np.uint8 else np.float32)


def bind_run_arguments(
    batches: BatchStream, steps: StepResults, config: TrainConfig, classes: int
) -> dict[str, Any]:
    """Return the arguments of a training run, keyed by the names of kernel parameters.

    Args:
        batches: the run's images and their order.
        steps: the arrays that receive the losses and the numbers of correct predictions.
        config: the loss, the optimizer and the seed.
        classes: the number of classes.
    """
    weights, class_weights = batches.weights, getattr(config.loss, "class_weights", None)
    weighted = weights is not None or class_weights is not None
    if weights is None:
        weights = np.ones(len(batches.labels) if weighted else 1)
    class_weights = np.ones(classes) if class_weights is None else np.asarray(class_weights)
    return {
        "images": as_kernel_images(batches.images),
        "order": np.ascontiguousarray(batches.order, np.int64),
        "samples": _augmentation_table(batches),
        "labels": np.ascontiguousarray(batches.labels, np.int64),
        "weights": np.ascontiguousarray(weights, np.float32),
        "class_weights": np.ascontiguousarray(class_weights, np.float32),
        "weighted": int(weighted),
        "lrs": np.array(batches.lrs, np.float64).view(np.int64),
        "total": len(batches.order),
        "size": batches.size,
        "dropout_key": _signed(stream_key(config.seed, "dropout")),
        "all_losses": steps.losses.view(np.int64),
        "all_correct": steps.correct,
    }


def _augmentation_table(batches: BatchStream) -> Array:
    """Sample the augmentation parameters of each image, in the order of the run."""
    if batches.augment is None:
        return np.zeros(1, np.float32)
    return batches.augment.sample(batches.order, batches.images.shape[2:])


def _signed(word: int) -> int:
    """Return the signed 64-bit integer that has the same bits as an unsigned integer."""
    return word - (1 << 64) if word >> 63 else word
