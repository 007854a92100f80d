"""The classifier: a network with class names, preprocessing and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handgrad.calibration import Calibration
from handgrad.class_names import Label, class_names
from handgrad.classifier.architecture import build, check_finite, describe
from handgrad.classifier.golden_outputs import Golden, hash_arrays, hash_json, run_golden
from handgrad.classifier.model_file import GOLDEN, check_suffix, read, write
from handgrad.data import Dataset
from handgrad.errors import DataError, ModelError
from handgrad.layers import Array, Layer, Shape
from handgrad.network import Network
from handgrad.ood import OOD, OodScore

if TYPE_CHECKING:
    from handgrad.preprocess import Preprocessing

UNSURE, UNLIKE = "unsure", "unlike the training data"

# The errors that building a classifier from a description can raise, if it was tampered with.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    DataError,
    LookupError,
    MemoryError,
    ModelError,
    RecursionError,
    TypeError,
    ValueError,
)


class Classifier:
    """A network with everything that is needed to classify raw images; it can be saved to a file.

    >>> train, test = hg.load_data("digits")
    >>> model = hg.Classifier.for_data(hg.models.softmax_regression(), train)
    >>> history = hg.fit(model, train, epochs=2)
    >>> model.predict(test.images[:3]).shape
    (3,)

    Args:
        network: the network.
        classes: the class names in the order of the logits, or None to use the numbers 0..K-1 as
            names.
        preprocessing: the steps that convert an image from a file to the network's input, or None
            if they are unknown.
        calibration: the calibration of the probabilities, or None to use a plain softmax.
        ood: the out-of-distribution score, or None if none was fitted.

    Attributes:
        network: the network.
        classes: the class names, a tuple.
        preprocessing: the preprocessing of image files, or None if it is unknown.
        calibration: the calibration of the probabilities, or None if they are a plain softmax.
        ood: the out-of-distribution score, or None if none was fitted.

    Raises:
        ModelError: if there is not exactly one name per class of the network, or the names are not
            unique.
    """

    def __init__(
        self,
        network: Network,
        classes: Sequence[Label] | None = None,
        *,
        preprocessing: Preprocessing | None = None,
        calibration: Calibration | None = None,
        ood: OodScore | None = None,
    ) -> None:
        if not isinstance(network, Network):
            raise ModelError(
                f"a Classifier needs a Network, not a {type(network).__name__}; "
                "write hg.Classifier.for_data(layers, train)"
            )
        try:
            self.classes = class_names(range(network.classes) if classes is None else classes)
        except DataError as error:
            raise ModelError(str(error)) from None
        except TypeError:
            raise ModelError(f"classes must be a list of names, not {classes!r}") from None
        if len(self.classes) != network.classes:
            raise ModelError(
                f"the network has {network.classes} classes, but there are {len(self.classes)} "
                "class names; give exactly one name per class"
            )
        self.network = network
        self.preprocessing = preprocessing
        self.calibration = calibration
        self.ood = ood

    @classmethod
    def for_data(
        cls,
        layers: Sequence[Layer],
        data: Dataset,
        *,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
    ) -> Self:
        """Create an untrained classifier with the shape, classes and preprocessing of a data set.

        Args:
            layers: the layers of the network.
            data: the data set.
            seed: determines the initial weights.
            dtype: float32 for training, float64 for gradient checks.

        Raises:
            ModelError: if the layers are not compatible with each other or with the images.
        """
        network = Network(layers, data.shape, len(data.classes), seed=seed, dtype=dtype)
        return cls(network, data.classes, preprocessing=data.preprocessing)

    @classmethod
    def load(cls, path: str | Path) -> Classifier:
        """Load the classifier from a model file, like `load_model`."""
        return load_model(path)

    @property
    def shape(self) -> Shape:
        """The shape of one image, (C, H, W)."""
        return self.network.shape

    def logits(self, X: ArrayLike) -> Array:
        """Return the network's logits (N, K) of images X (N, C, H, W)."""
        return self.network.logits(X)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, (N, K), for images X (N, C, H, W)."""
        return (self.calibration or Calibration()).probabilities(self.logits(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class name, (N,), for images X (N, C, H, W)."""
        return np.asarray(self.classes)[self.logits(X).argmax(axis=1)]

    def doubt(self, X: ArrayLike, logits: Array | None = None) -> NDArray[np.str_]:
        """Return why the classifier does not know the answer for each image, (N,) strings.

        The reason is "unlike the training data" if the out-of-distribution score of the image is
        above its threshold. Otherwise it is "unsure" if the probability of the answer is below the
        threshold of the calibration. It is "" if the answer is to be trusted. Without a fitted
        score or threshold, no image is rejected for that reason.

        Args:
            X: images, (N, C, H, W).
            logits: the logits of the images, (N, K), or None to compute them.
        """
        Z = self.logits(X) if logits is None else logits
        calibration = self.calibration or Calibration()
        confident = calibration.is_confident(calibration.probabilities(Z))
        reasons = np.where(confident, "", UNSURE)
        if self.ood is None:
            return reasons
        return np.where(self.ood.is_unlike(self.network, X, Z), UNLIKE, reasons)

    def forget_calibration(self) -> None:
        """Remove the calibration and the out-of-distribution score.

        Both are only valid for the weights that they were fitted to. `hg.fit` calls this before
        training. Call it after changing the weights in another way.
        """
        self.calibration = self.ood = None

    def save(
        self,
        path: str | Path,
        about: Mapping[str, Any] | None = None,
        *,
        golden: ArrayLike | Golden | None = None,
    ) -> None:
        """Write the classifier to a model file. On an error, an existing file is left unchanged.

        Args:
            path: the file; its suffix must be .safetensors.
            about: additional JSON data to store, such as the training data, settings and scores.
            golden: inputs of the network, some of which are stored with their logits; or None to
                use only random images.

        Raises:
            ModelError: if the path does not end in .safetensors, a layer is not one of handgrad's,
                or an array or a golden output contains NaN or infinity.
            DataError: if the golden images do not match the network.
        """
        path = Path(path)
        check_suffix(path)
        description = describe(self.network) | {
            "classes": list(self.classes),
            "preprocessing": self.preprocessing and self.preprocessing.to_json(),
            "calibration": self.calibration and self.calibration.to_json(),
            "ood": self.ood and self.ood.to_json(),
        }
        try:
            check_finite(self.network)
            known = golden if isinstance(golden, Golden) else self.golden_outputs(golden)
        except ModelError as error:
            raise ModelError(f"{path}: cannot be saved: {error}") from None
        description |= {"golden": dict(known.component_hashes), "about": dict(about or {})}
        arrays = {
            **self.network.arrays,
            **(self.ood.named_arrays() if self.ood else {}),
            GOLDEN + "images": known.images,
            GOLDEN + "logits": known.logits,
        }
        if known.raw is not None:
            arrays[GOLDEN + "raw"] = known.raw
        write(path, description, arrays)

    def golden_outputs(self, images: ArrayLike | None = None) -> Golden:
        """Return the stored reference outputs (golden outputs) that `save` writes.

        Four of the images are taken from the given ones. If there is a preprocessing, these four
        are drawn larger and off centre on a light, dark or transparent canvas and preprocessed. Two
        more images are random, so that every pixel affects the outputs.

        Args:
            images: inputs of the network, (N, C, H, W), or None to use only random images.

        Raises:
            DataError: if the images do not match the network.
            ModelError: if a logit is NaN or infinite.
        """
        return run_golden(self.network, self.preprocessing, images, self.component_hashes())

    def component_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each component that an answer depends on, by name."""
        ood = {} if self.ood is None else {"ood": self.ood.digest()}
        return {
            "weights": hash_arrays(self.network.arrays),
            "labels": hash_json(self.classes),
            "preprocessing": hash_json(self.preprocessing and self.preprocessing.to_json()),
            "calibration": hash_json(self.calibration and self.calibration.to_json()),
            **ood,
        }

    def __repr__(self) -> str:
        return f"Classifier({self.network!r}, classes {_some(self.classes)})"

    def _repr_html_(self) -> str:
        from handgrad.html import table  # it imports Pillow

        steps = self.preprocessing and ", ".join(
            type(step).__name__ for step in self.preprocessing.steps
        )
        rows = {
            "input": " x ".join(map(str, self.shape)),
            "classes": _some(self.classes),
            "preprocessing": steps or "none",
            "calibration": "none" if self.calibration is None else self.calibration,
        }
        return table(rows) + self.network._repr_html_()


@dataclass(frozen=True, eq=False)
class Bundle:
    """The contents of a model file.

    Attributes:
        classifier: the classifier.
        about: the additional JSON data, such as the training data, settings and scores.
        golden: the stored reference outputs (golden outputs).
        digest: the SHA-256 of the complete contents.
    """

    classifier: Classifier
    about: dict[str, Any]
    golden: Golden
    digest: str


def load_model(path: str | Path) -> Classifier:
    """Load the classifier from a model file or from the folder of a finished run.

    Raises:
        ModelError: if the file is missing or corrupted, was not written by handgrad, or was written
            by a newer version.
    """
    return read_bundle(path).classifier


def read_bundle(path: str | Path) -> Bundle:
    """Read the contents of a model file, or of the model file in the folder of a finished run.

    Raises:
        ModelError: if the file is missing or corrupted, was not written by handgrad, or was written
            by a newer version.
    """
    path, description, arrays, digest = read(Path(path))
    stored = {name: arrays.pop(name) for name in list(arrays) if name.startswith(GOLDEN)}
    scores = {name: arrays.pop(name) for name in list(arrays) if name.startswith(OOD)}
    try:
        classifier = _classifier(description, arrays)
        if description.get("ood") is not None:
            classifier.ood = OodScore.from_json(description["ood"], scores, classifier.network)
        golden = _golden(stored, description["golden"], classifier)
    except _DAMAGE as error:
        missing = isinstance(error, KeyError)
        what = f"{error} is missing" if missing else str(error) or type(error).__name__
        raise ModelError(f"{path}: its description is not consistent: {what}") from None
    return Bundle(classifier, description["about"], golden, digest)


def network_of(model: Network | Classifier) -> Network:
    """Return the network of a classifier, or the network itself.

    Raises:
        ModelError: if the argument is neither a network nor a classifier.
    """
    if isinstance(model, Classifier):
        return model.network
    if isinstance(model, Network):
        return model
    raise ModelError(
        f"expected a Network or a Classifier, not a {type(model).__name__}; "
        "write hg.Classifier.for_data(layers, train)"
    )


def _classifier(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> Classifier:
    """Build the classifier that a description and its arrays define."""
    network = build(description, arrays)
    preprocessing = calibration = None
    if description["preprocessing"] is not None:
        from handgrad.preprocess import Preprocessing  # it loads Pillow

        preprocessing = Preprocessing.from_json(description["preprocessing"])
        if preprocessing.shape != network.shape:
            raise ModelError(
                f"its preprocessing produces images {preprocessing.shape}, but its network takes "
                f"{network.shape}"
            )
    if description["calibration"] is not None:
        calibration = Calibration.from_json(description["calibration"])
    return Classifier(
        network, description["classes"], preprocessing=preprocessing, calibration=calibration
    )


def _golden(arrays: Mapping[str, Array], hashes: Any, classifier: Classifier) -> Golden:
    """Check the golden outputs of a model file, and return them."""
    images, logits = arrays[GOLDEN + "images"], arrays[GOLDEN + "logits"]
    raw, network = arrays.get(GOLDEN + "raw"), classifier.network
    if not len(images):
        raise ModelError("it has no golden images")
    if not isinstance(hashes, dict) or network.as_images(images).shape != images.shape:
        raise ModelError("its golden images do not match its network")
    if logits.shape != (len(images), network.classes) or not np.isfinite(logits).all():
        raise ModelError(
            "its stored reference logits must contain exactly one finite number per class"
        )
    fits = raw is None or (raw.dtype == np.uint8 and raw.ndim == 4 and len(raw) <= len(images))
    if (raw is None) != (classifier.preprocessing is None) or not fits:
        raise ModelError("its raw golden images do not match its preprocessing")
    return Golden(images, logits, hashes, raw)


def _some(classes: Sequence[Label]) -> str:
    """Return the first few class names as text."""
    few = ", ".join(map(str, classes[:5]))
    return f"{few}, ... ({len(classes)})" if len(classes) > 5 else few
