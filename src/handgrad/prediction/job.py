"""`Job`: images, a classifier, and everything else that the answers depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handgrad.classifier import Classifier
from handgrad.engines.inference import FEW_IMAGES
from handgrad.errors import DataError
from handgrad.prediction.answers import Prediction, predict_batch
from handgrad.prediction.read import read_batches
from handgrad.prediction.sources import ImageFiles, ImageRows, Source, rest_of
from handgrad.preprocess import Preprocessing


@dataclass(frozen=True)
class Job:
    """Images to classify.

    Attributes:
        classifier: the classifier.
        sources: the images, in the order of the answers.
        preprocessing: the preprocessing of image files.
        preprocess_rows: whether to preprocess all images of arrays. If not, only those are
            preprocessed that are raw.
        top: the number of most probable classes in an answer, or None for all classes.

    Raises:
        DataError: if there are images, but the model was trained on rows of values.
    """

    classifier: Classifier
    sources: Sequence[Source]
    preprocessing: Preprocessing
    preprocess_rows: bool = False
    top: int | None = None

    def __post_init__(self) -> None:
        shape = self.classifier.shape
        if self.classifier.preprocessing is not None or min(shape[1:]) > 1 or max(shape[1:]) == 1:
            return
        rows = [source for source in self.sources if isinstance(source, ImageRows)]
        if self.paths or any(source.images.shape[1:] != shape for source in rows):
            raise DataError(
                f"the model was trained on rows of {max(shape[1:])} values whose height and width "
                "are unknown, so images cannot be given to it; train it again on images, or with "
                "image_shape=(height, width) in HandgradClassifier"
            )

    @property
    def count(self) -> int:
        """The number of images."""
        return sum(len(source.labels) for source in self.sources)

    @property
    def has_labels(self) -> bool:
        """Whether the label of any image is known."""
        return any(label is not None for source in self.sources for label in source.labels)

    @property
    def paths(self) -> list[Path]:
        """The paths of the image files."""
        files = [source for source in self.sources if isinstance(source, ImageFiles)]
        return [path for source in files for path in source.paths]

    def run(self, start: int = 0) -> Iterator[list[Prediction]]:
        """Yield the answers for the images from `start` on, batch by batch.

        Raises:
            DataError: if the images of an array do not match the network.
        """
        self.classifier.expect(self.count)
        one_by_one = self.count <= FEW_IMAGES
        rest = rest_of(self.sources, start)
        for batch in read_batches(rest, self.preprocessing, rows_too=self.preprocess_rows):
            yield predict_batch(self.classifier, batch, self.top, one_by_one=one_by_one)

    def digest(self, inputs: Sequence[Path]) -> str:
        """Return a SHA-256 that differs if the answers may differ.

        It depends on the model, the settings, the names and labels of the images, and the size and
        the time of the last change of each file.

        Args:
            inputs: the files and folders in which the images were found.
        """
        settings = [self.preprocessing.to_json(), self.preprocess_rows, self.top]
        described = [self.classifier.component_hashes(), settings]
        sha = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
        for source in self.sources:
            names = source.names if isinstance(source, ImageRows) else []
            sha.update(json.dumps([*names, *source.labels]).encode())
        for path in (*inputs, *self.paths):
            state: list[Any] = [str(path)]
            with suppress(OSError):  # the file is missing
                status = path.stat()
                state += [] if path.is_dir() else [status.st_size, status.st_mtime_ns]
            sha.update(json.dumps(state).encode())
        return sha.hexdigest()
