"""The scikit-learn face: a network as a classifier among classifiers."""

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
from handgrad.data import Dataset
from handgrad.data.split import stratified
from handgrad.engines import BatchStream, Engine, TrainConfig, engine_named
from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.estimator.examples import merged, weights_of
from handgrad.layers import Array, Layer, Shape
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import named
from handgrad.network import Network
from handgrad.optim import AdamW
from handgrad.random import generator
from handgrad.schedules import Constant, OneCycle
from handgrad.train import History, fit

FEWEST_EPOCHS, MOST_EPOCHS, FEWEST_UPDATES = 20, 200, 500


class HandgradClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A neural network with gradients derived by hand, as scikit-learn has its classifiers.

    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = HandgradClassifier(random_state=0).fit(X[:1500], y[:1500])
    >>> bool(classifier.score(X[1500:], y[1500:]) > 0.9)
    True

    It stands in pipelines, grid searches and cross-validation. To keep what was learned, prefer
    ``classifier.network_.save("m.safetensors")`` to a pickle: the file says what it holds, runs no
    code when it is loaded, and is read by later versions.

    Args:
        model: the name of an architecture (see ``handgrad models``), or a list of layers; None:
            "smallnet" for images, "two-layer" for rows of numbers.
        image_shape: that of the image which a row of X holds, (C, H, W) or (H, W), row by row;
            None: a row is no image.
        epochs: how many times at most the examples are gone through; None: 20, and with few
            examples as many as 500 updates take, up to 200.
        batch_size: how many examples make one update; all, where there are fewer.
        learning_rate: the highest of the one cycle that it goes through; constant in `partial_fit`.
        weight_decay: what AdamW takes off the weights.
        class_weight: how much an example counts, by its label; "balanced": each class the same in
            all; None: each example the same.
        early_stopping: whether examples are set aside, training stops when their loss falls no
            more, and the best weights are put back.
        validation_fraction: the share of examples that is set aside then.
        patience: how many epochs without a lower loss stop it then.
        warm_start: whether `fit` goes on from what was learned before.
        random_state: decides initial weights, order, dropout and what is set aside.
        engine: what runs the mathematics: see `TrainConfig`.

    Attributes:
        classes_: the labels, sorted, (K,).
        n_features_in_: how many numbers a row of X has.
        feature_names_in_: what they are called, where X was a table with names.
        network_: the `Network`.
        history_: what each epoch of the last `fit` brought, a `History`.
        loss_curve_: the mean training loss of each epoch, of all calls since the network was new.
        n_iter_: how many epochs there are in it.

    A wrong value is a ValueError, as scikit-learn has it.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "model": [str, list, tuple, None],
        "image_shape": [list, tuple, np.ndarray, None],
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

    network_: Network
    history_: History
    loss_curve_: list[float]
    n_iter_: int
    classes_: NDArray[Any]
    _seed: int
    _of_bytes: bool
    _engine: Engine | None
    _moments: tuple[int, dict[str, dict[str, Array]]] | None

    def __init__(
        self,
        model: str | Sequence[Layer] | None = None,
        *,
        image_shape: Sequence[int] | None = None,
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
        """Learn from examples.

        Args:
            X: one example a row, (N, F); uint8 counts as 0..255 and is brought to 0..1.
            y: their labels, (N,).
            sample_weight: how much each counts, (N,); None: all the same.

        Raises:
            ValueError: if they do not fit together or to the network, or a setting is wrong.
        """
        anew = not (self.warm_start and hasattr(self, "network_"))
        rows, labels, weights = self._examples(X, y, sample_weight, anew, None)
        with _value_errors():
            if anew:
                self._start(rows.dtype)
            data = Dataset(self._images(rows), labels, self.network_.classes, "X")
            validation = None
            if self.early_stopping:
                held = stratified(labels, self.validation_fraction, self._seed)
                data, validation = data.take(~held), data.take(held)
                weights = None if weights is None else weights[~held]
            if len(data) <= self.batch_size:
                data, weights = merged(data, weights)
            self._measure_once(data.images, weights)
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
        """Go through some examples once, on top of what was learned before.

        Args:
            X: one example a row, (N, F).
            y: their labels, (N,).
            classes: all labels that will ever come; the first call must name them.
            sample_weight: how much each counts, (N,); None: all the same.

        Raises:
            ValueError: as `fit`, and if the classes are missing or others than at first.
        """
        anew = not hasattr(self, "network_")
        if anew and classes is None:
            raise ValueError("the first call of partial_fit must be given all classes")
        rows, labels, weights = self._examples(X, y, sample_weight, anew, classes)
        with _value_errors():
            if anew:
                self._start(rows.dtype)
            images = self._images(rows)
            self._measure_once(images, weights)
            engine = self._engine_at_hand()
            order = generator(self._seed, "shuffle", engine.steps).permutation(len(rows))
            size = min(self.batch_size, len(rows))
            lrs = [self.learning_rate] * -(-len(rows) // size)
            came = engine.run(BatchStream(images, labels, weights, order, size, lrs))
        self.loss_curve_.append(float(came.losses.mean()))
        self.n_iter_ = len(self.loss_curve_)
        return self

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, (N, K) float32, in the order of `classes_`."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False)
        with _value_errors():
            return self.network_.predict_proba(self._images(rows))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable label of each example, (N,)."""
        p = self.predict_proba(X)
        return self.classes_[p.argmax(axis=1)]

    def _examples(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        anew: bool,
        classes: ArrayLike | None,
    ) -> tuple[NDArray[Any], NDArray[np.int64], Array | None]:
        """Return examples, the places of their classes, and their weights, all checked."""
        self._validate_params()
        rows, labels = validate_data(self, X, y, reset=anew)
        check_classification_targets(labels)
        labels = column_or_1d(labels, warn=True)
        weights = weights_of(labels, sample_weight, self.class_weight)
        if weights is not None:
            counts = weights > 0
            rows, labels, weights = rows[counts], labels[counts], weights[counts]
        found = np.unique(labels if classes is None else np.asarray(classes))
        if anew:
            if len(found) < 2:
                raise ValueError(f"there is only 1 class in y, {found.tolist()}; add another")
            self.classes_ = found
        elif classes is not None and not np.array_equal(found, self.classes_):
            raise ValueError(f"the classes were {self.classes_} at first; they cannot change")
        return rows, _places(labels, self.classes_), weights

    def _start(self, dtype: np.dtype[Any]) -> None:
        """Make a fresh network."""
        random = check_random_state(self.random_state)
        self._seed, self._of_bytes = int(random.randint(2**31)), dtype == np.uint8
        usual = "two-layer" if self.image_shape is None else "smallnet"
        model = usual if self.model is None else self.model
        layers = named(model) if isinstance(model, str) else list(model)
        shape = _as_shape(self.image_shape, self.n_features_in_)
        self.network_ = Network(layers, shape, _as_classes(self.classes_), seed=self._seed)
        self.loss_curve_ = []
        self._engine = self._moments = None

    def _images(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return rows as images, in numbers of the scale that the first ones had."""
        if X.dtype != np.uint8 or not self._of_bytes:
            with np.errstate(over="ignore"):  # what does not fit is refused as infinity
                X = X.astype(np.float32) / np.float32(255 if self._of_bytes else 1)
        return X.reshape(len(X), *self.network_.shape)

    def _measure_once(self, images: NDArray[Any], weights: Array | None) -> None:
        """Set the mean and std of `Normalize` layers, unless a call before has done so."""
        if not self.network_.measured:
            self.network_.measure(images, weights)

    def _fit(self, data: Dataset, validation: Dataset | None, weights: Array | None) -> History:
        self._engine = self._moments = None
        size = min(self.batch_size, len(data))
        enough = min(MOST_EPOCHS, math.ceil(FEWEST_UPDATES / math.ceil(len(data) / size)))
        return fit(
            self.network_,
            data,
            validation=validation,
            weights=weights,
            epochs=max(FEWEST_EPOCHS, enough) if self.epochs is None else self.epochs,
            batch_size=size,
            optimizer=AdamW(self.learning_rate, weight_decay=self.weight_decay),
            schedule=Constant() if self.warm_start else OneCycle(),
            patience=self.patience if self.early_stopping else None,
            seed=self._seed,
            engine=self.engine,
        )

    def _engine_at_hand(self) -> Engine:
        """Return the engine of `partial_fit`, which remembers the optimizer's moments."""
        if self._engine is None:
            optimizer = AdamW(self.learning_rate, weight_decay=self.weight_decay)
            rules = TrainConfig(SoftmaxCrossEntropy(), optimizer, seed=self._seed)
            self._engine = engine_named(self.engine, self.network_, rules)
            if self._moments is not None:
                self._engine.steps, moments = self._moments
                for name, kinds in moments.items():
                    for kind, array in kinds.items():
                        self._engine.optimizer_state[name][kind][...] = array
        return self._engine

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__().copy()
        if (engine := state.get("_engine")) is not None:  # a program in machine code
            state |= {"_engine": None, "_moments": (engine.steps, engine.optimizer_state)}
        return state


@contextmanager
def _value_errors() -> Iterator[None]:
    """Let wrong values be what scikit-learn's users expect."""
    try:
        yield
    except (ConfigError, DataError, ModelError) as error:
        raise ValueError(str(error)) from error


def _places(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return the places of labels among the classes, (N,)."""
    if len(unknown := np.setdiff1d(labels, classes)):
        first = unknown.tolist()[0]
        raise ValueError(f"y has the class {first!r}, which was not there at first")
    return np.searchsorted(classes, labels).astype(np.int64)


def _as_shape(image_shape: Sequence[int] | None, features: int) -> Shape:
    """Return the shape of one example, (C, H, W)."""
    if image_shape is None:
        return 1, 1, features
    shape = (1, *image_shape) if len(image_shape) == 2 else tuple(image_shape)
    whole = all(isinstance(size, int | np.integer) and size > 0 for size in shape)
    if len(shape) != 3 or not whole or math.prod(shape) != features:
        raise ModelError(f"image_shape {image_shape} does not hold the {features} numbers of a row")
    return tuple(map(int, shape))


def _as_classes(classes: NDArray[Any]) -> Sequence[Label] | int:
    """Return the labels as a network takes them; their number where they are of another kind."""
    names: list[Any] = classes.tolist()
    plain = all(type(name) is str for name in names) or all(type(name) is int for name in names)
    return names if plain else len(names)
