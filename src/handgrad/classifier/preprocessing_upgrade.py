"""Rewrites a model that has old preprocessing steps, and counts the answers that change."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier.bundle import Bundle
from handgrad.errors import ModelError
from handgrad.preprocess import Preprocessing
from handgrad.preprocess.upgrades import upgraded


def upgrade_preprocessing(bundle: Bundle) -> Bundle:
    """Return the contents of a model file with the newest preprocessing steps.

    Everything else stays the same. The golden images are computed again from the stored raw images.

    Raises:
        ModelError: if there is nothing to upgrade.
    """
    old = bundle.classifier
    if old.preprocessing is None:
        raise ModelError("there is nothing to upgrade: the model has no preprocessing")
    if (new := upgraded(old.preprocessing)) is None:
        raise ModelError(
            "there is nothing to upgrade: the preprocessing already has the newest steps"
        )
    classifier = copy.copy(old)
    classifier.preprocessing = new
    golden = bundle.golden
    images = golden.images
    if golden.raw is not None:
        made = preprocessed(new, golden.raw)
        images = np.concatenate([made, images[len(made) :]])
    golden = replace(
        golden,
        images=images,
        logits=classifier.logits(images),
        component_hashes=classifier.component_hashes(),
    )
    return replace(bundle, classifier=classifier, golden=golden)


def preprocessed(preprocessing: Preprocessing, raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return preprocessed images (N, C, H, W) of raw images (N, height, width, channels)."""
    return np.stack([preprocessing.apply(x) for x in raw])
