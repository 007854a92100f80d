"""Measures how many images of other kinds a classifier rejects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.calibration import Calibration
from handgrad.classifier import Classifier
from handgrad.layers import Array
from handgrad.losses import softmax
from handgrad.ood import ACCEPTED


@dataclass(frozen=True)
class Rejection:
    """How well a classifier tells images of other kinds from those of its classes.

    Attributes:
        images: the number of images of other kinds.
        stored: the fraction of them that is rejected at the stored threshold of the
            out-of-distribution score, or None if the classifier has no such score.
        stored_accepted: the fraction of the classifier's own images that is accepted at the stored
            threshold, or None.
        doubted: the fraction of the images of other kinds for which the classifier does not know
            the answer, because of this score or of a low probability.
        rejected: the fraction that is rejected at the threshold that accepts 95 % of the
            classifier's own images, for each score: "score" (if there is one) and "softmax", which
            is the highest probability.
        auroc: for each score, the probability that an image of another kind has a higher score than
            an image of the classifier's own.
    """

    images: int
    stored: float | None
    stored_accepted: float | None
    doubted: float
    rejected: Mapping[str, float]
    auroc: Mapping[str, float]

    def __str__(self) -> str:
        lines = [f"{self.doubted:.2%} of {self.images:,} images of other kinds are rejected"]
        if self.stored is not None:
            lines.append(
                f"out-of-distribution score, stored threshold: {self.stored:.2%} rejected, "
                f"{self.stored_accepted:.2%} of the test images accepted"
            )
        names = {"score": "out-of-distribution score", "softmax": "highest probability alone"}
        lines += [
            f"{names[name]}, at the threshold that accepts {ACCEPTED:.0%} of the test images: "
            f"{self.rejected[name]:.2%} rejected; AUROC {self.auroc[name]:.4f}"
            for name in self.rejected
        ]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return asdict(self)


def measure_rejection(
    classifier: Classifier, own: tuple[ArrayLike, Array], other: tuple[ArrayLike, Array]
) -> Rejection:
    """Compare the scores of a classifier's own images with those of images of other kinds.

    Args:
        classifier: the classifier.
        own: images of the classes of the classifier that it was not trained on, (N, C, H, W), with
            their logits, (N, K).
        other: images of other kinds, (M, C, H, W), with their logits, (M, K).
    """
    (_, own_logits), (_, logits) = own, other
    calibration, ood = classifier.calibration or Calibration(), classifier.ood
    scores = {"softmax": (-softmax(own_logits).max(axis=1), -softmax(logits).max(axis=1))}
    stored = accepted = None
    unlike = np.zeros(len(logits), np.bool_)
    if ood is not None:
        low, high = (ood.scores(classifier.network, *each) for each in (own, other))
        unlike = high > float(ood.threshold[0])
        stored, accepted = float(unlike.mean()), float((low <= float(ood.threshold[0])).mean())
        scores = {"score": (low, high), **scores}
    doubted = unlike | ~calibration.is_confident(calibration.probabilities(logits))
    return Rejection(
        images=len(logits),
        stored=stored,
        stored_accepted=accepted,
        doubted=float(doubted.mean()),
        rejected={k: float((b > np.quantile(a, ACCEPTED)).mean()) for k, (a, b) in scores.items()},
        auroc={k: _auroc(a, b) for k, (a, b) in scores.items()},
    )


def _auroc(low: NDArray[Any], high: NDArray[Any]) -> float:
    """Return the fraction of pairs in which the second score is higher; equal ones count half."""
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, "left") + np.searchsorted(ordered, high, "right")
    return float(below.mean() / (2 * len(low)))
