"""The classifier: a network with class names, preprocessing and calibration."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handgrad.calibration import Calibration
from handgrad.class_names import Label, class_names
from handgrad.classifier.architecture import check_finite, describe
from handgrad.classifier.class_change import with_classes
from handgrad.classifier.golden_outputs import Golden, hash_arrays, hash_json, run_golden
from handgrad.classifier.model_file import GOLDEN, check_suffix, write
from handgrad.classifier.scaling import preprocessed, scaled_array, scaled_data
from handgrad.data import Dataset
from handgrad.engines.inference import Inference
from handgrad.errors import DataError, ModelError
from handgrad.layers import Array, Layer, Shape
from handgrad.network import Network
from handgrad.ood import OodScore
from handgrad.pixel_range import PixelRange, RangeLike

if TYPE_CHECKING:
    from handgrad.preprocess import Preprocessing

UNSURE, UNLIKE = "unsure", "unlike the training data"


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
        pixel_range: the values of black and white in the training images; or None if they are
            unknown, until the network is trained.
        ood: the out-of-distribution score, or None if none was fitted.

    Attributes:
        network: the network.
        classes: the class names, a tuple.
        preprocessing: the preprocessing of image files, or None if it is unknown.
        calibration: the calibration of the probabilities, or None if they are a plain softmax.
        pixel_range: the values of black and white in the training images. Images in another range
            are scaled accordingly. If it is None, uint8 images are divided by 255, and
            floating-point images are used as they are.
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
        pixel_range: PixelRange | None = None,
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
        self.pixel_range = pixel_range
        self.ood = ood
        self._inference = Inference(network)

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
        return cls(
            network,
            data.classes,
            preprocessing=data.preprocessing,
            pixel_range=data.pixel_range,
        )

    def for_classes(self, classes: Sequence[Label], *, seed: int = 0) -> Self:
        """Return a copy of the classifier for other classes, to continue training on new data.

        The last layer of the network, a `Dense`, has one row of weights and one bias per class. A
        class that the classifier already has keeps its row, at its new position. A new class gets a
        new row. The rows of all other classes are dropped. The other layers and the preprocessing
        stay. The calibration is dropped.

        >>> train, _ = hg.load_data("digits")
        >>> model = hg.Classifier.for_data(hg.models.two_layer(), train)
        >>> model.for_classes([7, 8, 9, 10]).classes
        (7, 8, 9, 10)

        Args:
            classes: the class names in order, such as ``train.classes`` of the new data. Names are
                compared as text: the class 3 and the class "3" are the same.
            seed: determines the new rows.

        Raises:
            ModelError: if the names are not unique, there are fewer than two, or the last layer is
                not a `Dense`.
        """
        try:
            names = class_names(classes)
        except DataError as error:
            raise ModelError(str(error)) from None
        other = copy.copy(self)
        other.network = with_classes(self.network, self.classes, names, seed)
        other.classes = names
        other.forget_calibration()
        return other

    @property
    def shape(self) -> Shape:
        """The shape of one image, (C, H, W)."""
        return self.network.shape

    @property
    def preprocesses_arrays(self) -> bool:
        """Whether arrays are preprocessed in the same way as image files."""
        return self.preprocessing is not None and self.preprocessing.for_arrays

    def expect(self, count: int) -> None:
        """Choose the engine for the given number of images.

        Call this before classifying images in several batches, so that the same engine computes all
        of them.
        """
        self._current_inference().expect(count)

    def pixels(self, X: ArrayLike | Dataset, pixel_range: RangeLike = None) -> NDArray[Any]:
        """Scale images to the network's input, (N, C, H, W) uint8 0..255 or floating point.

        If the values are consistent with the range of the training images, this range is used.
        Otherwise, another range is used if it is recognized without doubt, such as uint8 0..255,
        uint16 0..65535, bool, or floats 0..1 or -1..1.

        If the training arrays were preprocessed (see `preprocesses_arrays`), the images are
        preprocessed too, and may have any size. The images of a data set that were already
        preprocessed with the same steps are used as they are.

        Args:
            X: the images: a data set, or an array (N, C, H, W), (N, H, W, C), or (N, H, W) if C
                is 1.
            pixel_range: the values of black and white in an array, such as (0, 255), if they cannot
                be recognized; or "raw" for an array that already is an input of the network.

        Raises:
            DataError: if the images have another shape than the network's input, or if their range
                is in doubt.
        """
        if self.preprocessing is not None and self.preprocesses_arrays:
            pixels = preprocessed(self.preprocessing, self.pixel_range, X, pixel_range)
            return self.network.as_images(pixels)
        if isinstance(X, Dataset):
            return scaled_data(self.network, self.pixel_range, X)
        return scaled_array(self.network, self.pixel_range, X, pixel_range)

    def logits(self, X: ArrayLike | Dataset, *, pixel_range: RangeLike = None) -> Array:
        """Return the network's logits (N, K) of images X: see `pixels` for the arguments.

        The reference engine computes the logits of the first 1,000 images, so that nothing is
        compiled for a few images. After that, the compiled engine computes the logits. It must be
        installed, the network must have the dtype float32, and every layer must have a kernel. The
        logits of the two engines agree to float32 rounding.
        """
        return self._current_inference().logits(self.pixels(X, pixel_range))

    def predict_proba(self, X: ArrayLike | Dataset, *, pixel_range: RangeLike = None) -> Array:
        """Return the probability of each class, (N, K), for images X: see `pixels`."""
        Z = self.logits(X, pixel_range=pixel_range)
        return (self.calibration or Calibration()).probabilities(Z)

    def predict(self, X: ArrayLike | Dataset, *, pixel_range: RangeLike = None) -> NDArray[Any]:
        """Return the most probable class name, (N,), for images X: see `pixels`."""
        return np.asarray(self.classes)[self.logits(X, pixel_range=pixel_range).argmax(axis=1)]

    def doubt(
        self,
        X: ArrayLike | Dataset,
        logits: Array | None = None,
        *,
        pixel_range: RangeLike = None,
    ) -> NDArray[np.str_]:
        """Return why the classifier answers "don't know" for each image, (N,) strings.

        The reason is "unlike the training data" if the out-of-distribution score of the image is
        above its threshold. Otherwise it is "unsure" if the probability of the answer is below the
        threshold of the calibration. It is "" if the classifier gives an answer. Without a fitted
        score or threshold, no image is rejected for that reason.

        Args:
            X: the images: see `pixels`.
            logits: the logits of the images, (N, K), or None to compute them.
            pixel_range: the values of black and white: see `pixels`.
        """
        pixels = self.pixels(X, pixel_range)
        Z = self._current_inference().logits(pixels) if logits is None else logits
        calibration = self.calibration or Calibration()
        confident = calibration.is_confident(calibration.probabilities(Z))
        reasons = np.where(confident, "", UNSURE)
        if self.ood is None:
            return reasons
        return np.where(self.ood.is_unlike(self.network, pixels, Z), UNLIKE, reasons)

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
            "pixel_range": self.pixel_range and self.pixel_range.to_json(),
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
        return run_golden(
            self.network, self.preprocessing, images, self.component_hashes(), self.pixel_range
        )

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

    def _current_inference(self) -> Inference:
        """Return the object that computes the logits of the current network."""
        if self._inference.net is not self.network:  # the network was replaced, or this is a copy
            self._inference = Inference(self.network)
        return self._inference

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
            "pixel range": "unknown" if self.pixel_range is None else self.pixel_range,
        }
        return table(rows) + self.network._repr_html_()


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


def logits_function(model: Network | Classifier) -> Callable[[ArrayLike], Array]:
    """Return the function that computes the logits of inputs of the network.

    `Classifier.logits` chooses the engine in the same way, but it also scales images.

    Raises:
        ModelError: if the argument is neither a network nor a classifier.
    """
    if isinstance(model, Classifier):
        return model._current_inference().logits
    return Inference(network_of(model)).logits


def _some(classes: Sequence[Label]) -> str:
    """Return the first few class names as text."""
    few = ", ".join(map(str, classes[:5]))
    return f"{few}, ... ({len(classes)})" if len(classes) > 5 else few
