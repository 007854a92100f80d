"""Read a model file: the classifier, its golden outputs and the additional data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.calibration import Calibration
from handgrad.classifier.architecture import build
from handgrad.classifier.classifier import Classifier
from handgrad.classifier.golden_outputs import Golden
from handgrad.classifier.model_file import GOLDEN, read
from handgrad.errors import DataError, ModelError
from handgrad.layers import Array
from handgrad.ood import OOD, OodScore
from handgrad.pixel_range import BYTES, PixelRange

# The errors that building a classifier from a description can raise, if it was tampered with.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    DataError,
    LookupError,
    MemoryError,
    ModelError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, eq=False)
class Bundle:
    """The contents of a model file.

    Attributes:
        classifier: the classifier.
        about: the additional JSON data, such as the training data, settings and scores.
        golden: the stored reference outputs (golden outputs).
        digest: the SHA-256 of the complete contents.
    """

    classifier: Classifier
    about: dict[str, Any]
    golden: Golden
    digest: str


def load_model(path: str | Path) -> Classifier:
    """Load the classifier from a model file or from the folder of a finished run.

    Raises:
        ModelError: if the file is missing or corrupted, was not written by handgrad, or was written
            by a newer version.
    """
    return read_bundle(path).classifier


def read_bundle(path: str | Path) -> Bundle:
    """Read the contents of a model file, or of the model file in the folder of a finished run.

    Raises:
        ModelError: if the file is missing or corrupted, was not written by handgrad, or was written
            by a newer version.
    """
    path, description, arrays, digest = read(Path(path))
    stored = {name: arrays.pop(name) for name in list(arrays) if name.startswith(GOLDEN)}
    scores = {name: arrays.pop(name) for name in list(arrays) if name.startswith(OOD)}
    try:
        classifier = _classifier(description, arrays)
        if description.get("ood") is not None:
            classifier.ood = OodScore.from_json(description["ood"], scores, classifier.network)
        golden = _golden(stored, description["golden"], classifier)
    except _DAMAGE as error:
        missing = isinstance(error, KeyError)
        what = f"{error} is missing" if missing else str(error) or type(error).__name__
        raise ModelError(f"{path}: its description is not consistent: {what}") from None
    return Bundle(classifier, description["about"], golden, digest)


def _classifier(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> Classifier:
    """Build the classifier that a description and its arrays define."""
    network = build(description, arrays)
    preprocessing = calibration = None
    if description["preprocessing"] is not None:
        from handgrad.preprocess import Preprocessing  # it loads Pillow

        preprocessing = Preprocessing.from_json(description["preprocessing"])
        if preprocessing.shape != network.shape:
            raise ModelError(
                f"its preprocessing produces images {preprocessing.shape}, but its network takes "
                f"{network.shape}"
            )
    if description["calibration"] is not None:
        calibration = Calibration.from_json(description["calibration"])
    pixel_range = None
    if (described := description.get("pixel_range")) is not None:  # older files lack it
        pixel_range = PixelRange.from_json(described)
    elif preprocessing is not None:  # its results are uint8
        pixel_range = BYTES
    return Classifier(
        network,
        description["classes"],
        preprocessing=preprocessing,
        calibration=calibration,
        pixel_range=pixel_range,
    )


def _golden(arrays: Mapping[str, Array], hashes: Any, classifier: Classifier) -> Golden:
    """Check the golden outputs of a model file, and return them."""
    images, logits = arrays[GOLDEN + "images"], arrays[GOLDEN + "logits"]
    raw, network = arrays.get(GOLDEN + "raw"), classifier.network
    if not len(images):
        raise ModelError("it has no golden images")
    if not isinstance(hashes, dict) or network.as_images(images).shape != images.shape:
        raise ModelError("its golden images do not match its network")
    if logits.shape != (len(images), network.classes) or not np.isfinite(logits).all():
        raise ModelError(
            "its stored reference logits must be finite, with exactly one number per class"
        )
    fits = raw is None or (raw.dtype == np.uint8 and raw.ndim == 4 and len(raw) <= len(images))
    if (raw is None) != (classifier.preprocessing is None) or not fits:
        raise ModelError("its raw golden images do not match its preprocessing")
    return Golden(images, logits, hashes, raw)
