"""A classifier in one file: a network and everything it needs to classify a raw image."""

from handgrad.classifier.bundle import Bundle, load_model, read_bundle
from handgrad.classifier.class_change import ClassChange
from handgrad.classifier.classifier import Classifier, logits_function, network_of
from handgrad.classifier.golden_outputs import Golden
from handgrad.classifier.model_file import MODEL

__all__ = [
    "MODEL",
    "Bundle",
    "ClassChange",
    "Classifier",
    "Golden",
    "load_model",
    "logits_function",
    "network_of",
    "read_bundle",
]
