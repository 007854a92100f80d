import numpy as np

import handgrad as hg
from handgrad.calibration import calibrate
from handgrad.runs import calibrate as trust


def network_and_images(count, right):
    """Return a network that sees one bright pixel, and images of which so many fool it."""
    net = hg.Network([hg.Flatten(), hg.Dense()], shape=(1, 1, 3), classes=3)
    net.parameters["1.weight"][...] = 9 * np.eye(3)
    net.parameters["1.bias"][...] = 0
    y = np.arange(count) % 3
    X = np.zeros((count, 1, 1, 3), np.uint8)
    X[np.arange(count), 0, 0, y] = 255
    shown = np.where(np.arange(count) < right, y, (y + 1) % 3)
    return net, hg.Dataset.from_arrays(X, shown, classes=[0, 1, 2])


def test_a_network_that_boasts_gets_its_temperature():
    net, images = network_and_images(90, right=60)
    said = trust(net, images)
    assert net.calibration == calibrate(net.logits(images.images), images.labels)
    assert said == f"calibrated, {net.calibration}"
    assert net.calibration.error < 0.01
    assert net.calibration.error_before > 0.3


def test_it_gets_none_where_nothing_can_be_learned():
    for count, right, reason in (
        (90, 90, "all 90 images are right"),
        (9, 6, "9 images are to"),
    ):
        net, images = network_and_images(count, right)
        assert trust(net, images).startswith(f"not calibrated: {reason}")
        assert net.calibration is None
