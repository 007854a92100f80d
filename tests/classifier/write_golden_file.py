"""Write the golden model file that every later version must be able to read.

Run `python -m tests.classifier.write_golden_file`. A released file is never changed; a new format
gets a new file.
"""

from __future__ import annotations

from pathlib import Path

import handgrad as hg
from handgrad.preprocess import drawing

FOLDER = Path(__file__).parent / "golden_files"


def main() -> None:
    """Train softmax regression on digits, calibrate it, and save it."""
    train, test = hg.load_data("digits")
    inside = hg.Sequential((hg.Flatten(),))
    layers = [hg.Normalize(), inside, hg.Dense(initializer=hg.init.GlorotUniform())]
    model = hg.Classifier.for_data(layers, train)
    learn, validation = train.split(0.1)
    hg.fit(
        model, learn, validation=validation, epochs=10, optimizer=hg.AdamW(0.01), engine="reference"
    )
    model.preprocessing = drawing(8)
    Z = model.logits(validation.images)
    model.calibration = hg.calibrate(Z, validation.labels, precision=0.98)
    accuracy = hg.evaluate(model, test).accuracy
    path = FOLDER / "format-2.safetensors"
    model.save(path, {"scores": {"test_accuracy": accuracy}}, golden=test.images)


if __name__ == "__main__":
    main()
