"""A classifier in one file: the network and all that it needs to answer for a raw image."""

from handgrad.classifier.golden_outputs import Golden
from handgrad.classifier.model_file import (
    Bundle,
    about_model,
    load_model,
    read_bundle,
    save_model,
)

__all__ = ["Bundle", "Golden", "about_model", "load_model", "read_bundle", "save_model"]
