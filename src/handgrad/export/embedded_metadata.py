"""The metadata of a model that is embedded in files of other formats."""

from __future__ import annotations

import json

from handgrad.classifier import Bundle, Classifier
from handgrad.errors import ModelError


def metadata(bundle: Bundle) -> dict[str, str]:
    """Return the metadata of a model as strings, by name.

    Raises:
        ModelError: if the name of a class is not valid text.
    """
    classifier = bundle.classifier
    check_text(classifier)
    known = {
        "classes": list(classifier.classes),
        "preprocessing": classifier.preprocessing and classifier.preprocessing.to_json(),
        "calibration": classifier.calibration and classifier.calibration.to_json(),
        "pixel_range": classifier.pixel_range and classifier.pixel_range.to_json(),
        "digest": bundle.digest,
    }
    return {f"handgrad.{name}": json.dumps(value) for name, value in known.items()}


def check_text(classifier: Classifier) -> None:
    """Raise a ModelError if a class has a name that cannot be stored in other file formats."""
    for name in classifier.classes:
        try:
            str(name).encode()
        except UnicodeEncodeError:
            raise ModelError(
                f"the name of the class {name!r} is not valid text; rename it and train again"
            ) from None
