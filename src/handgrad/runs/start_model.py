"""The model from which a run starts (`handgrad train --from`), fitted to the new classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import ClassChange, Classifier, read_bundle
from handgrad.data import Dataset
from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.layers import Normalize
from handgrad.network import layer_name
from handgrad.runs.run import model_file
from handgrad.runs.trained_on import FILE, INCOMPLETE, read_digests


@dataclass(frozen=True)
class StartModel:
    """A trained model, whose weights are the initial weights of a new run.

    Attributes:
        path: the model file.
        classifier: the classifier in the file.
        about: the metadata in the file, such as its training data.
        digest: the SHA-256 of the contents of the file.
        trained_on: the hashes of the images that the model was trained on, or None if they are
            unknown.
    """

    path: Path
    classifier: Classifier
    about: Mapping[str, Any]
    digest: str
    trained_on: NDArray[np.uint64] | None

    @classmethod
    def load(cls, path: str | Path, digest: str | None = None) -> StartModel:
        """Load the model from which a run starts.

        Args:
            path: the folder of a finished run, or a model file.
            digest: the digest of the model when the run was started, if the run is resumed.

        Raises:
            ModelError: if there is no model file, or it cannot be read.
            ConfigError: if the digest differs.
        """
        try:
            file = model_file(Path(path))
        except ModelError as error:
            if digest is None:
                raise
            raise ModelError(f"to resume, the model to start from is needed: {error}") from None
        bundle = read_bundle(file)
        if digest not in (None, bundle.digest):
            raise ConfigError(
                f"cannot resume: the run started from {file}, which has changed since; restore the "
                "file, or start a new run in another folder"
            )
        known = read_digests(file, bundle.about)
        return cls(file, bundle.classifier, bundle.about, bundle.digest, known)

    @property
    def knows_all_images(self) -> bool:
        """Whether all images that the model was trained on are known."""
        return self.trained_on is not None and not self.about.get(INCOMPLETE)

    def fitted_to(self, data: Dataset, seed: int) -> Classifier:
        """Return the classifier with the classes of new training images.

        Args:
            data: the new training images.
            seed: determines the rows of the new classes.

        Raises:
            DataError: if the images have another shape than the network takes.
            ModelError: if the classes differ and the last layer is not a `Dense`.
        """
        if data.shape != self.classifier.shape and not self.classifier.preprocesses_arrays:
            raise DataError(
                f"{data.name} has images of {_size(data.shape)} (channels x height x width), but "
                f"the network in {self.path} takes {_size(self.classifier.shape)}; convert the "
                "images to this size, or train a new network without --from"
            )
        return self.classifier.for_classes(data.classes, seed=seed)

    def sentences(self, data: Dataset) -> list[str]:
        """Describe what a run on new images keeps of the model, one sentence per topic."""
        network = self.classifier.network
        last = layer_name(network.layers, len(network.layers) - 1)
        lines = [f"starts from {self.path}: the last layer, {last}, {self._change(data)}"]
        if any(isinstance(layer, Normalize) for layer in network.layers):
            lines.append("keeps the model's mean and standard deviation of the pixels")
        own = self.classifier.preprocessing
        if (
            own is not None
            and own != data.preprocessing
            and not own.has_same_steps(data.preprocessing)
        ):
            lines.append(
                f"the images of {data.name} are used as they are; the model keeps its own "
                "preprocessing for image files"
            )
        if not self.knows_all_images:
            lines.append(
                f"not all images that the model was trained on are known, because {FILE} is "
                "missing or incomplete; `handgrad evaluate` will not recognise the missing ones"
            )
        return lines

    def metadata(self, data: Dataset) -> dict[str, Any]:
        """Return where a run came from, as metadata for its model file."""
        change = self._change(data)
        start = {
            "path": str(self.path),
            "digest": self.digest,
            "data": self.about.get("data"),
            "from": self.about.get("from"),
            "kept": list(change.kept),
            "added": list(change.added),
            "dropped": list(change.dropped),
        }
        return {"from": start} | ({} if self.knows_all_images else {INCOMPLETE: True})

    def _change(self, data: Dataset) -> ClassChange:
        return ClassChange.between(self.classifier.classes, data.classes)


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
