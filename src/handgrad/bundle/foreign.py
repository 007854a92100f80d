"""What a model remembers where its file is in a foreign format."""

from __future__ import annotations

import json

from handgrad.bundle.file import Bundle


def metadata(bundle: Bundle) -> dict[str, str]:
    """Return what a file in a foreign format remembers of a model, as text by name."""
    net = bundle.net
    known = {
        "classes": list(net.classes),
        "preparation": net.preparation and net.preparation.to_json(),
        "calibration": net.calibration and net.calibration.to_json(),
        "digest": bundle.digest,
    }
    return {f"handgrad.{name}": json.dumps(value) for name, value in known.items()}
