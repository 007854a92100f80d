"""The scikit-learn estimator: a network with the methods `fit`, `predict` and `predict_proba`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from handgrad.class_names import Label
from handgrad.classifier import Classifier
from handgrad.data import Dataset
from handgrad.engines import BatchStream, Engine, TrainConfig, engine_named
from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.estimator.examples import merged, weights_of
from handgrad.layers import Array, Layer, Shape
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import named
from handgrad.network import Network
from handgrad.optim import AdamW
from handgrad.pixel_range import AS_THEY_ARE, PixelRange, RangeLike, given_range
from handgrad.random import generator
from handgrad.schedules import Constant, OneCycle
from handgrad.train import History, fit
from handgrad.train_config import enough_epochs

USUAL_EPOCHS = 20
FEWEST_PIXELS = 16  # rows of fewer numbers are no images, unless image_shape says so
ROW_OVERSHOOT = 0.9  # of the range; rows that need not be images may have larger values later


class HandgradClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A neural network with gradients derived by hand, as a scikit-learn classifier.

    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = HandgradClassifier(random_state=0).fit(X[:1500], y[:1500])
    >>> bool(classifier.score(X[1500:], y[1500:]) > 0.9)
    True

    The classifier works in pipelines, grid searches and cross-validation. To keep a trained model,
    use ``classifier.classifier_.save("m.safetensors")`` instead of a pickle: later versions of
    handgrad can read this file, and loading it runs no code.

    Args:
        model: the name of an architecture (see ``handgrad models``), or a list of layers. If None,
            "smallnet" is used for images and "two-layer" for rows of numbers.
        image_shape: the shape of the image in a row of X, (C, H, W) or (H, W), or None if rows are
            not images.
        pixel_range: the values of black and white in X, such as (0, 255); or "raw" to use the
            numbers as they are; or None to recognize the range if rows are images or have as many
            numbers as a square image. Rows of another range are scaled in `predict`, or refused.
        epochs: the maximum number of epochs. If None, it is 20 or, if there are few examples, as
            many as are needed for 500 updates, up to 200.
        batch_size: the number of examples in a batch. If there are fewer examples, all of them form
            one batch.
        learning_rate: the maximum learning rate of the one-cycle schedule; `partial_fit` uses it as
            a constant rate.
        weight_decay: the weight decay of AdamW.
        class_weight: the weight of an example, by its label; "balanced" to give all classes the
            same total weight; or None for equal weights.
        early_stopping: whether to set aside validation examples, stop when the validation loss no
            longer falls, and restore the weights with the lowest validation loss.
        validation_fraction: the fraction of examples used for validation if `early_stopping` is
            true.
        patience: the number of epochs without a lower validation loss after which training stops if
            `early_stopping` is true.
        warm_start: whether `fit` continues from the previous weights.
        random_state: the seed for the initial weights, the order of the examples, dropout and the
            choice of validation examples.
        engine: the engine that runs the training steps: see `TrainConfig`.

    Attributes:
        classes_: the sorted labels, (K,).
        n_features_in_: the number of features in a row of X.
        feature_names_in_: the names of the features, if X was a table with column names.
        classifier_: the trained `Classifier`, which contains the network.
        history_: the `History` of the last `fit`.
        loss_curve_: the mean training loss of each epoch, over all calls since the weights were
            initialized.
        n_iter_: the number of epochs in `loss_curve_`.

    Invalid parameter values raise ValueError, as in scikit-learn.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "model": [str, list, tuple, None],
        "image_shape": [list, tuple, np.ndarray, None],
        "pixel_range": [list, tuple, PixelRange, StrOptions({AS_THEY_ARE}), None],
        "epochs": [Interval(Integral, 1, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, np.inf, closed="neither")],
        "weight_decay": [Interval(Real, 0, np.inf, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "engine": [str],
    }

    classifier_: Classifier
    history_: History
    loss_curve_: list[float]
    n_iter_: int
    classes_: NDArray[Any]
    _seed: int
    _engine: Engine | None
    _moments: tuple[int, dict[str, dict[str, Array]]] | None

    def __init__(
        self,
        model: str | Sequence[Layer] | None = None,
        *,
        image_shape: Sequence[int] | None = None,
        pixel_range: RangeLike = None,
        epochs: int | None = None,
        batch_size: int = 64,
        learning_rate: float = 0.01,
        weight_decay: float = 0.01,
        class_weight: Mapping[Any, float] | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 5,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        engine: str = "auto",
    ) -> None:
        self.model = model
        self.image_shape = image_shape
        self.pixel_range = pixel_range
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.warm_start = warm_start
        self.random_state = random_state
        self.engine = engine

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the network to examples.

        Args:
            X: the examples, one per row, (N, F). Rows of pixels are scaled: see `pixel_range`.
            y: the labels of the examples, (N,).
            sample_weight: the weight of each example, (N,), or None for equal weights.

        Raises:
            ValueError: if the arguments are not compatible with each other, or a setting is
                invalid.
        """
        is_new = not (self.warm_start and hasattr(self, "classifier_"))
        rows, labels, weights = self._examples(X, y, sample_weight, is_new, None)
        with _value_errors():
            if is_new:
                self._start(rows)
            images, classifier = self._images(rows), self.classifier_
            known = classifier.pixel_range
            assert known is not None, "it is set in _start"
            data = Dataset(images, labels, classifier.classes, "X", pixel_range=known)
            validation = None
            if self.early_stopping:
                held = data.validation_mask(self.validation_fraction, self._seed)
                data, validation = data.take(~held), data.take(held)
                weights = None if weights is None else weights[~held]
            if len(data) <= self.batch_size:
                data, weights = merged(data, weights)
            self._fit_statistics_once(data.images, weights)
            self.history_ = self._fit(data, validation, weights)
        self.loss_curve_ += [record.loss for record in self.history_]
        self.n_iter_ = len(self.loss_curve_)
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train on some examples for one epoch, continuing from the current weights.

        Args:
            X: the examples, one per row, (N, F).
            y: the labels of the examples, (N,).
            classes: all labels that occur in this or later calls; required in the first call.
            sample_weight: the weight of each example, (N,), or None for equal weights.

        Raises:
            ValueError: in the same cases as `fit`, and if the classes are missing or differ from
                the classes of the first call.
        """
        is_new = not hasattr(self, "classifier_")
        if is_new and classes is None:
            raise ValueError("the first call of partial_fit requires all classes")
        rows, labels, weights = self._examples(X, y, sample_weight, is_new, classes)
        with _value_errors():
            if is_new:
                self._start(rows)
            images = self._images(rows)
            self._fit_statistics_once(images, weights)
            engine = self._engine_for_partial_fit()
            order = generator(self._seed, "shuffle", engine.steps).permutation(len(rows))
            size = min(self.batch_size, len(rows))
            lrs = [self.learning_rate] * -(-len(rows) // size)
            results = engine.run(BatchStream(images, labels, weights, order, size, lrs))
        self.loss_curve_.append(float(results.losses.mean()))
        self.n_iter_ = len(self.loss_curve_)
        return self

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, (N, K) float32, in the order of `classes_`."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False)
        with _value_errors():
            return self.classifier_.predict_proba(self._images(rows), pixel_range=AS_THEY_ARE)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable label of each example, (N,)."""
        p = self.predict_proba(X)
        return self.classes_[p.argmax(axis=1)]

    def _examples(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        is_new: bool,
        classes: ArrayLike | None,
    ) -> tuple[NDArray[Any], NDArray[np.int64], Array | None]:
        """Check examples, and return them with their class indices and their weights."""
        self._validate_params()
        rows, labels = validate_data(self, X, y, reset=is_new)
        check_classification_targets(labels)
        labels = column_or_1d(labels, warn=True)
        weights = weights_of(labels, sample_weight, self.class_weight)
        if weights is not None:
            counts = weights > 0
            rows, labels, weights = rows[counts], labels[counts], weights[counts]
        found = np.unique(labels if classes is None else np.asarray(classes))
        if is_new:
            if len(found) < 2:
                raise ValueError(f"y contains only 1 class, {found.tolist()}; add another class")
            self.classes_ = found
        elif classes is not None and not np.array_equal(found, self.classes_):
            raise ValueError(f"the classes of the first call, {self.classes_}, cannot be changed")
        return rows, _indices(labels, self.classes_), weights

    def _start(self, X: NDArray[Any]) -> None:
        """Create a new network with initial weights for rows such as X."""
        random = check_random_state(self.random_state)
        self._seed = int(random.randint(2**31))
        usual = "two-layer" if self.image_shape is None else "smallnet"
        model = usual if self.model is None else self.model
        layers = named(model) if isinstance(model, str) else list(model)
        shape = _as_shape(self.image_shape, self.n_features_in_)
        network = Network(layers, shape, len(self.classes_), seed=self._seed)
        known = given_range(self.pixel_range, X)
        if known is None and (self._are_images or X.dtype == np.uint8):
            known = PixelRange.of(X)
        self.classifier_ = Classifier(
            network,
            _as_classes(self.classes_),
            pixel_range=known or given_range(AS_THEY_ARE, X),
        )
        self.loss_curve_ = []
        self._engine = self._moments = None

    @property
    def _are_images(self) -> bool:
        """Whether rows are images, or have as many numbers as a square grey or RGB image."""
        sides = {math.isqrt(self.n_features_in_ // C) ** 2 * C for C in (1, 3)}
        is_square = self.n_features_in_ in sides and self.n_features_in_ >= FEWEST_PIXELS
        return self.image_shape is not None or is_square

    def _images(self, X: NDArray[Any]) -> NDArray[Any]:
        """Convert rows of X to images, scaled like the rows in the first call of `fit`."""
        known = self.classifier_.pixel_range
        assert known is not None, "it is set in _start"
        if self.pixel_range is not None:
            known.check_given(X)
        elif self._are_images:
            known = known.of_new_images(X, *(() if self.image_shape else (ROW_OVERSHOOT,)))
        X = known.pixels(X)
        return X.reshape(len(X), *self.classifier_.shape)

    def _fit_statistics_once(self, images: NDArray[Any], weights: Array | None) -> None:
        """Fit the `Normalize` layers in the first call; do nothing in later calls."""
        network = self.classifier_.network
        if not network.is_fitted:
            network.fit_statistics(images, weights)

    def _fit(self, data: Dataset, validation: Dataset | None, weights: Array | None) -> History:
        self._engine = self._moments = None
        size = min(self.batch_size, len(data))
        enough = enough_epochs(len(data), size, USUAL_EPOCHS)
        return fit(
            self.classifier_,
            data,
            validation=validation,
            weights=weights,
            epochs=enough if self.epochs is None else self.epochs,
            batch_size=size,
            optimizer=AdamW(self.learning_rate, weight_decay=self.weight_decay),
            schedule=Constant() if self.warm_start else OneCycle(),
            patience=self.patience if self.early_stopping else None,
            seed=self._seed,
            engine=self.engine,
        )

    def _engine_for_partial_fit(self) -> Engine:
        """Return the engine of `partial_fit`, which keeps the optimizer's state between calls."""
        if self._engine is None:
            optimizer = AdamW(self.learning_rate, weight_decay=self.weight_decay)
            rules = TrainConfig(SoftmaxCrossEntropy(), optimizer, seed=self._seed)
            self._engine = engine_named(self.engine, self.classifier_.network, rules)
            if self._moments is not None:
                self._engine.steps, moments = self._moments
                for name, kinds in moments.items():
                    for kind, array in kinds.items():
                        self._engine.optimizer_state[name][kind][...] = array
        return self._engine

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__().copy()
        if (engine := state.get("_engine")) is not None:  # machine code cannot be pickled
            state |= {"_engine": None, "_moments": (engine.steps, engine.optimizer_state)}
        return state


@contextmanager
def _value_errors() -> Iterator[None]:
    """Raise handgrad's errors as ValueError, as is usual in scikit-learn."""
    try:
        yield
    except (ConfigError, DataError, ModelError) as error:
        raise ValueError(str(error)) from error


def _indices(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class index of each label, (N,)."""
    if len(unknown := np.setdiff1d(labels, classes)):
        first = unknown.tolist()[0]
        raise ValueError(f"y contains the class {first!r}, which is not one of the known classes")
    return np.searchsorted(classes, labels).astype(np.int64)


def _as_shape(image_shape: Sequence[int] | None, features: int) -> Shape:
    """Return the shape of one example, (C, H, W)."""
    if image_shape is None:
        return 1, 1, features
    shape = (1, *image_shape) if len(image_shape) == 2 else tuple(image_shape)
    whole = all(isinstance(size, int | np.integer) and size > 0 for size in shape)
    if len(shape) != 3 or not whole or math.prod(shape) != features:
        raise ModelError(f"image_shape {image_shape} does not match rows of {features} numbers")
    return tuple(map(int, shape))


def _as_classes(classes: NDArray[Any]) -> Sequence[Label] | None:
    """Return the labels as class names, or None if they are neither text nor whole numbers."""
    names: list[Any] = classes.tolist()
    plain = all(type(name) is str for name in names) or all(type(name) is int for name in names)
    return names if plain else None
