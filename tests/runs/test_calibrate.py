import numpy as np

import handgrad as hg
from handgrad.calibration import calibrate
from handgrad.runs import calibrate_on


def classifier_and_images(count, right):
    """Return a classifier of the brightest pixel, and images with `right` correct labels."""
    net = hg.Network([hg.Flatten(), hg.Dense()], shape=(1, 1, 3), classes=3)
    net.parameters["1.weight"][...] = 9 * np.eye(3)
    net.parameters["1.bias"][...] = 0
    y = np.arange(count) % 3
    X = np.zeros((count, 1, 1, 3), np.uint8)
    X[np.arange(count), 0, 0, y] = 255
    shown = np.where(np.arange(count) < right, y, (y + 1) % 3)
    return hg.Classifier(net), hg.Dataset.from_arrays(X, shown, classes=[0, 1, 2])


def test_an_overconfident_classifier_is_calibrated():
    classifier, images = classifier_and_images(90, right=60)
    said = calibrate_on(classifier, images)
    assert classifier.calibration == calibrate(classifier.logits(images.images), images.labels)
    assert said == f"calibrated, {classifier.calibration}"
    assert classifier.calibration.error < 0.01
    assert classifier.calibration.error_before > 0.3


def test_too_few_images_or_no_errors_leave_it_uncalibrated():
    for count, right, reason in (
        (90, 90, "all 90 predictions are correct"),
        (9, 6, "9 images are too"),
    ):
        classifier, images = classifier_and_images(count, right)
        assert calibrate_on(classifier, images).startswith(f"not calibrated: {reason}")
        assert classifier.calibration is None
