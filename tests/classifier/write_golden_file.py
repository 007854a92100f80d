"""Write the golden model file that every later version must read, with `python -m` this module.


Once it is released it is never made again; a new format gets a file beside it.
"""

from __future__ import annotations

from pathlib import Path

import handgrad as hg
from handgrad.preprocess import drawing

KEPT = Path(__file__).parent / "golden_files" / "format-1.safetensors"


def main() -> None:
    """Train softmax regression on digits, calibrate it, and save it."""
    train, test = hg.load_data("digits")
    layers = [hg.Normalize(), *hg.models.softmax_regression()]
    net = hg.Network(layers, train.shape, train.classes)
    learn, validation = train.split(0.1)
    hg.fit(
        net, learn, validation=validation, epochs=10, optimizer=hg.AdamW(0.01), engine="reference"
    )
    net.preprocessing = drawing(8)
    Z = net.logits(validation.images)
    net.calibration = hg.calibrate(Z, validation.labels, precision=0.98)
    accuracy = hg.evaluate(net, test).accuracy
    net.save(KEPT, {"scores": {"test_accuracy": accuracy}}, golden=test.images)


if __name__ == "__main__":
    main()
