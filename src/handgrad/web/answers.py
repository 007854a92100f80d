"""The answers of a model for a test set, computed in parts so that a page can show the progress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.calibration import Calibration, reliability
from handgrad.classifier import Classifier, logits_function
from handgrad.data import Dataset, is_user_data
from handgrad.errors import DataError
from handgrad.files import expanded
from handgrad.layers import Array
from handgrad.train import Evaluation, evaluate
from handgrad.train.evaluate import scaled_for, with_classes
from handgrad.web.endpoint import packed

PART = 1000  # images

Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of a model for all images of a test set.

    Attributes:
        classifier: the model.
        test: the test images as inputs of the network, with the classes of the model.
        logits: the logits, (N, K).
        scores: the out-of-distribution scores, (N,), or None if the model has none.
    """

    classifier: Classifier
    test: Dataset
    logits: Array
    scores: NDArray[np.float64] | None

    @cached_property
    def p(self) -> Array:
        """The calibrated probabilities, (N, K)."""
        return (self.classifier.calibration or Calibration()).probabilities(self.logits)

    @cached_property
    def answers(self) -> NDArray[np.int64]:
        """The index of the answer to each image, (N,)."""
        return self.logits.argmax(axis=1)

    @cached_property
    def evaluation(self) -> Evaluation:
        """The loss, the accuracy and the confusion matrix."""
        return evaluate(self.classifier, self.test, logits=lambda _: self.logits)

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation, and the answer to each image, as JSON data."""
        found, calibration = self.evaluation, self.classifier.calibration
        diagram = reliability(self.p, self.test.labels)
        ood = self.classifier.ood
        return {
            "data": self.test.name,
            "classes": list(map(str, self.classifier.classes)),
            "count": found.count,
            "correct": found.correct,
            "accuracy": found.accuracy,
            "interval": list(found.interval),
            "loss": found.loss,
            "failure": found.failure,
            "confusion": found.confusion.tolist(),
            "labels": packed(self.test.labels),
            "answers": packed(self.answers),
            "confidence": packed(self.p.max(axis=1)),
            "scores": None if self.scores is None else packed(self.scores),
            "score_threshold": None if ood is None else float(ood.threshold[0]),
            "threshold": 0.0 if calibration is None else calibration.threshold,
            "is_calibrated": calibration is not None,
            "reliability": {
                "counts": diagram.counts.tolist(),
                "confidence": diagram.confidence.tolist(),
                "accuracy": diagram.accuracy.tolist(),
                "error": diagram.error,
            },
        }


def answers_of(
    classifier: Classifier,
    test: Dataset,
    compute: AbstractContextManager[Any],
    report: Report,
) -> Answers:
    """Compute the answers of a model for a test set.

    Args:
        classifier: the model.
        test: the test images, which may have only some of the classes, in any order.
        compute: the lock of the model's engine, which is held for one part at a time.
        report: a function that is given the number of images done so far and of all images.

    Raises:
        DataError: if the images or the classes do not fit the model.
    """
    test = scaled_for(classifier, with_classes(test, classifier.classes))
    logits, scores = list[Array](), list[NDArray[np.float64]]()
    classifier.expect(len(test))
    for at in range(0, len(test), PART):
        report(at, len(test))
        X = test.images[at : at + PART]
        with compute:
            logits.append(logits_function(classifier)(X))
            if classifier.ood is not None:
                scores.append(classifier.ood.scores(classifier.network, X, logits[-1]))
    Z = np.concatenate(logits)
    return Answers(classifier, test, Z, np.concatenate(scores) if scores else None)


def some_of(test: Dataset, count: int) -> Dataset:
    """Return at most `count` images of a test set, at even intervals."""
    if len(test) <= count:
        return test
    return test.take(np.linspace(0, len(test) - 1, count).astype(np.int64))


def images_json(test: Dataset, indices: list[int], data_name: str | None) -> dict[str, Any]:
    """Return some images of a test set with their file names as JSON data.

    Args:
        test: the test set.
        indices: the indices of the images.
        data_name: the name or the path of the data.

    Raises:
        DataError: if there is no image with one of the indices.
    """
    if any(not 0 <= index < len(test) for index in indices):
        raise DataError(f"{test.name} has the images 0 to {len(test) - 1}")
    chosen = test.take(indices)
    is_uint8 = chosen.images.dtype == np.uint8
    return {
        "images": packed(chosen.images),
        "low": 0 if is_uint8 else float(chosen.images.min(initial=0)),
        "high": 255 if is_uint8 else float(chosen.images.max(initial=0)),
        "names": [_short_name(file, data_name) for file in chosen.files],
    }


def _short_name(file: str, data_name: str | None) -> str:
    """Return the path of an image relative to the folder of its data, or else its name."""
    if data_name is not None and is_user_data(data_name):
        root = expanded(data_name)
        root = root if root.is_dir() else root.parent
        if Path(file).is_relative_to(root):
            return Path(file).relative_to(root).as_posix()
    return Path(file).name
