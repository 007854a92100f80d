"""A classifier in one file: a network and everything it needs to classify a raw image."""

from handgrad.classifier.class_change import ClassChange
from handgrad.classifier.classifier import (
    Bundle,
    Classifier,
    load_model,
    network_of,
    read_bundle,
)
from handgrad.classifier.golden_outputs import Golden
from handgrad.classifier.model_file import MODEL

__all__ = [
    "MODEL",
    "Bundle",
    "ClassChange",
    "Classifier",
    "Golden",
    "load_model",
    "network_of",
    "read_bundle",
]
