"""The metadata of a model in a file of another format."""

from __future__ import annotations

import json

from handgrad.classifier.model_file import Bundle
from handgrad.errors import ModelError
from handgrad.network import Network


def metadata(bundle: Bundle) -> dict[str, str]:
    """Return the metadata of a model as text by name.

    Raises:
        ModelError: if the name of a class is not valid text.
    """
    net = bundle.net
    check_text(net)
    known = {
        "classes": list(net.classes),
        "preprocessing": net.preprocessing and net.preprocessing.to_json(),
        "calibration": net.calibration and net.calibration.to_json(),
        "digest": bundle.digest,
    }
    return {f"handgrad.{name}": json.dumps(value) for name, value in known.items()}


def check_text(net: Network) -> None:
    """Raise a ModelError if a class has a name that files in other formats cannot hold."""
    for name in net.classes:
        try:
            str(name).encode()
        except UnicodeEncodeError:
            raise ModelError(
                f"the name of the class {name!r} is not valid text; rename it, and train again"
            ) from None
