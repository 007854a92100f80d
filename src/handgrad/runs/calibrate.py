"""What a run does at its end so that probabilities mean what they say."""

from __future__ import annotations

from handgrad.calibration import against_calibrating, calibrate
from handgrad.data import Dataset
from handgrad.network import Network


def trust(net: Network, validation: Dataset) -> str:
    """Give a network the temperature that validation images ask for, and say which.

    It gets none, and the sentence says why, where they cannot tell.

    Args:
        net: the network, which gets a calibration.
        validation: images that it has not learned from.
    """
    Z = net.logits(validation.images)
    if reason := against_calibrating(Z, validation.labels):
        return f"not calibrated: {reason}"
    net.calibration = calibrate(Z, validation.labels)
    return f"calibrated, {net.calibration}"
