"""The calibration of a run's classifier at the end of training."""

from __future__ import annotations

from handgrad.calibration import calibrate, reason_against_calibrating
from handgrad.classifier import Classifier
from handgrad.data import Dataset


def calibrate_on(classifier: Classifier, validation: Dataset) -> str:
    """Calibrate a classifier on validation images if they suffice, and return a sentence about it.

    Args:
        classifier: the classifier, whose calibration is replaced.
        validation: images that it was not trained on.
    """
    Z = classifier.logits(validation.images)
    if reason := reason_against_calibrating(Z, validation.labels):
        return f"not calibrated: {reason}"
    classifier.calibration = calibrate(Z, validation.labels)
    return f"calibrated, {classifier.calibration}"
