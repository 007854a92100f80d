"""The accuracy of a model on damaged test images, of each kind and strength."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import Classifier, logits_function
from handgrad.data import Dataset
from handgrad.data.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from handgrad.errors import DataError
from handgrad.train import Evaluation
from handgrad.web.answers import Answers, Report, some_of
from handgrad.web.endpoint import packed

MOST = 1000  # test images; of a larger test set, images at even intervals are damaged
SHOWN = 12


class Damaged(NamedTuple):
    """The evaluation on damaged images of one kind and strength.

    Attributes:
        evaluation: the evaluation on all damaged images.
        total: the size of the whole test set.
        before: the first few images, as they are, (n, C, H, W) uint8.
        after: the same images, damaged.
        labels: their true classes, (n,).
        answers: the model's answers for the damaged images, (n,).
        confidence: the probabilities of these answers, (n,).
    """

    evaluation: Evaluation
    total: int
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    labels: NDArray[np.int64]
    answers: NDArray[np.int64]
    confidence: NDArray[Any]

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON data."""
        return {
            "count": self.evaluation.count,
            "total": self.total,
            "accuracy": self.evaluation.accuracy,
            "interval": list(self.evaluation.interval),
            "before": packed(self.before),
            "after": packed(self.after),
            "labels": self.labels.tolist(),
            "answers": self.answers.tolist(),
            "confidence": self.confidence.tolist(),
        }


class Damage:
    """Evaluates a model on damaged test images, and keeps the results.

    Args:
        classifier: the model.
        test: the test images, as inputs of the network.
        compute: the lock of the model's engine.
    """

    def __init__(
        self, classifier: Classifier, test: Dataset, compute: AbstractContextManager[Any]
    ) -> None:
        self._classifier, self._test, self._compute = classifier, some_of(test, MOST), compute
        self._total = len(test)
        self._found: dict[tuple[str, int], Damaged] = {}

    def at(self, kind: str, strength: int) -> Damaged:
        """Return the evaluation for a kind of damage and a strength.

        Args:
            kind: a key of `CORRUPTIONS`.
            strength: 1 (weak) to 5 (strong), or 0 for the images as they are.

        Raises:
            ConfigError: if there is no such corruption.
            DataError: if the images are not uint8.
        """
        key = ("", 0) if strength == 0 else (kind, strength)
        if key not in self._found:
            test = self._test
            if test.images.dtype != np.uint8:
                raise DataError(
                    "the damage is defined for pixels 0 to 255, but this model's images are "
                    f"{test.images.dtype} numbers of another range"
                )
            images = corrupt(test.images, kind, strength=strength) if strength else test.images
            with self._compute:
                Z = logits_function(self._classifier)(images)
            found = Answers(self._classifier, replace(test, images=images), Z, None)
            few = slice(SHOWN)
            self._found[key] = Damaged(
                found.evaluation,
                self._total,
                test.images[few],
                images[few],
                test.labels[few],
                found.answers[few],
                found.p[few].max(axis=1),
            )
        return self._found[key]

    def measure_all(self, report: Report) -> bool:
        """Evaluate each kind of damage at each strength; see `accuracies`."""
        cases = [("", 0)] + [(kind, strength) for kind in CORRUPTIONS for strength in STRENGTHS]
        for done, case in enumerate(cases):
            report(done, len(cases))
            self.at(*case)
        report(len(cases), len(cases))
        return True

    def accuracies(self) -> dict[str, Any]:
        """Return the accuracies that are known so far as JSON data; others are None."""
        found, clean = dict(self._found), self._found.get(("", 0))
        return {
            "clean": clean and clean.evaluation.accuracy,
            "accuracies": {
                kind: [
                    found[kind, strength].evaluation.accuracy if (kind, strength) in found else None
                    for strength in STRENGTHS
                ]
                for kind in CORRUPTIONS
            },
        }
