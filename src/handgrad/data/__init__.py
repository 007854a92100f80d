"""Datasets: loading, splitting and augmenting images with labels."""

from handgrad.data.augment import Augmentation
from handgrad.data.dataset import Dataset
from handgrad.data.named.catalog import (
    Entry,
    available,
    check_data_dir,
    check_files,
    fetch,
    is_user_data,
    load_data,
)
from handgrad.data.named.file_checks import FileCheck
from handgrad.data.named.sources import SOURCES, Source

__all__ = [
    "SOURCES",
    "Augmentation",
    "Dataset",
    "Entry",
    "FileCheck",
    "Source",
    "available",
    "check_data_dir",
    "check_files",
    "fetch",
    "is_user_data",
    "load_data",
]
