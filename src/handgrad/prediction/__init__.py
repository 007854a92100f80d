"""Predictions for many images: finding, reading and classifying them, and writing a CSV file."""

from handgrad.prediction.answers import Prediction
from handgrad.prediction.csv_file import check_columns, default_columns, write_csv
from handgrad.prediction.feature_file import write_features
from handgrad.prediction.job import Job
from handgrad.prediction.journal import Journal
from handgrad.prediction.sources import (
    ImageFiles,
    ImageRows,
    Source,
    Sources,
    find_images,
    known_labels,
    merged,
)

__all__ = [
    "ImageFiles",
    "ImageRows",
    "Job",
    "Journal",
    "Prediction",
    "Source",
    "Sources",
    "check_columns",
    "default_columns",
    "find_images",
    "known_labels",
    "merged",
    "write_csv",
    "write_features",
]
