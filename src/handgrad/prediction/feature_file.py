"""Writes the features of the classified images to an NPZ file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from handgrad.errors import DataError
from handgrad.features import features, save_features
from handgrad.prediction.answers import Prediction
from handgrad.prediction.job import Job
from handgrad.prediction.read import read_batches


def write_features(job: Job, answers: Sequence[Prediction], path: Path) -> None:
    """Write the input of the network's last `Dense` for each image that can be read.

    The images are read a second time, so that the file is complete even if some answers come from
    an interrupted command.

    Args:
        job: the images and the classifier.
        answers: the answers of the job.
        path: the NPZ file; `save_features` describes its arrays.

    Raises:
        ConfigError: if the path does not end in .npz.
        DataError: if images can no longer be read that could be read before.
    """
    batches = read_batches(job.sources, job.preprocessing, rows_too=job.preprocess_rows)
    rows = [
        features(job.classifier.network, batch.images) for batch in batches if len(batch.images)
    ]
    known = [answer for answer in answers if not answer.error]
    if sum(map(len, rows)) != len(known):
        raise DataError("some images were changed while they were classified; try again")
    save_features(
        path,
        np.concatenate(rows) if rows else np.zeros((0, 0), np.float32),
        files=[answer.image for answer in known],
        labels=[answer.label for answer in known],
        predicted=[answer.predicted for answer in known],
    )
