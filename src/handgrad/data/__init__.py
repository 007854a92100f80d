"""Images and their labels: where they come from, and the form they take."""

from handgrad.data.augment import Augmentation
from handgrad.data.dataset import Dataset
from handgrad.data.named.catalog import Entry, available, fetch, is_own, load_data, verify
from handgrad.data.named.digests import FileCheck
from handgrad.data.named.sources import SOURCES, Source

__all__ = [
    "SOURCES",
    "Augmentation",
    "Dataset",
    "Entry",
    "FileCheck",
    "Source",
    "available",
    "fetch",
    "is_own",
    "load_data",
    "verify",
]
