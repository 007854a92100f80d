"""A network: a chain of layers with their arrays, from images to logits and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handgrad.assembly import as_classes, as_dtype_of_network, as_shape, complete
from handgrad.calibration import Calibration
from handgrad.class_names import Label
from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.layers import Array, Chain, Context, Layer, Normalize, Params, gives_gradients_alone
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.params import (
    Arrays,
    ZeroGenerator,
    as_dtype,
    check_same_structure,
    flatten,
    replace_leaves,
)
from handgrad.random import generator
from handgrad.summary import Summary, summarize

if TYPE_CHECKING:
    from handgrad.preprocess import Preprocessing


class Network:
    """A chain of layers that ends in one logit for each class.

    >>> layers = [hg.Flatten(), hg.Dense(30), hg.ReLU(), hg.Dense()]
    >>> net = hg.Network(layers, shape=(1, 28, 28), classes=10)
    >>> logits, cache = net.forward(np.zeros((5, 1, 28, 28)))
    >>> logits.shape
    (5, 10)

    Args:
        layers: the layers in order. A last `Dense()` gets as many units as there are classes.
        shape: the shape of one image, (C, H, W).
        classes: what the classes are called, or how many there are.
        seed: decides the initial weights.
        dtype: float32 to train, float64 to prove.
        arrays: all arrays by name, to have in place of fresh ones; they are copied.

    Attributes:
        layers: the layers.
        shape: the shape of one image.
        classes: what the classes are called; logit k belongs to the k-th.
        dtype: the dtype of all arrays.
        parameters: the learned arrays by name, as PyTorch's ``state_dict`` calls them ("0.weight").
            Setting one copies the values into the network.
        buffers: the arrays that are carried along ("1.running_mean"), likewise.
        arrays: both, likewise.
        tree: the same arrays, as `Chain` takes them.
        chain: the layers as one.
        measured: whether `Normalize` layers know the training images' mean and std.
        preprocessing: what is done to an image in a file before the network sees it; None: nothing
            is known of that.
        calibration: what makes its probabilities mean what they say; None: they are as they come.

    Raises:
        ModelError: if the layers do not fit to each other, the shape or the classes.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Sequence[int],
        classes: Sequence[Label] | int,
        *,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
        arrays: Mapping[str, Array] | None = None,
    ) -> None:
        self.shape = as_shape(shape)
        self.classes = as_classes(classes)
        self.dtype = as_dtype_of_network(dtype)
        self.layers = complete(layers, len(self.classes))
        self.chain = Chain(self.layers)

        rng = generator(seed, "init") if arrays is None else ZeroGenerator()
        tree, output = self.chain.init(self.shape, rng)
        if output != (len(self.classes),):
            raise ModelError(
                f"the network ends in {output}, but needs one logit for each of "
                f"{len(self.classes)} classes; end it with Dense()"
            )
        if arrays is not None:
            check_same_structure(flatten(tree), arrays)
            tree = replace_leaves(tree, arrays)
        self.tree = as_dtype(tree, self.dtype)
        self.arrays, buffers = flatten(self.tree), self.chain.buffers
        self.parameters = Arrays((k, v) for k, v in self.arrays.items() if k not in buffers)
        self.buffers = Arrays((k, v) for k, v in self.arrays.items() if k in buffers)
        self.preprocessing: Preprocessing | None = None
        self.measured = False
        self.calibration: Calibration | None = None
        self._first_learning = min((int(name.split(".")[0]) for name in self.parameters), default=0)

    def forward(self, X: ArrayLike, ctx: Context = Context()) -> tuple[Array, Any]:
        """Return the logits (N, K) of images X (N, C, H, W), and what `backward` needs.

        Images of uint8 count as 0..255 and are brought to 0..1; others are taken as they are.
        """
        A, cache = self.as_input(X), []
        for index, layer in enumerate(self.layers):
            A, kept = layer.forward(self.tree[str(index)], A, ctx.inside(index))
            cache.append(kept)
        return A, cache

    def backward(self, cache: Any, dlogits: Array) -> dict[str, Array]:
        """Return the gradient of each parameter, given that of the logits (N, K).

        The way back ends at the first layer that learns: nobody learns from the images.
        """
        dA = dlogits
        gradients: Params = {}
        for index in range(len(self.layers) - 1, self._first_learning, -1):
            layer, params = self.layers[index], self.tree[str(index)]
            dA, gradients[str(index)] = layer.backward(params, cache[index], dA)
        first, params = self._first_learning, self.tree[str(self._first_learning)]
        gradients[str(first)] = gradients_alone(self.layers[first], params, cache[first], dA)
        return flatten(gradients)

    def loss_and_grads(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        loss: Loss = SoftmaxCrossEntropy(),
        weights: Array | None = None,
        ctx: Context = Context(training=True),
    ) -> tuple[float, dict[str, Array]]:
        """Return the loss of a batch and its gradient with respect to each parameter.

        Nothing is changed. A loop of one's own for a network with batch norm or dropout takes
        `forward`, `backward` and `update_buffers` instead, and counts the context's step up: or the
        running statistics stay as they are, and each step draws the same dropout mask.

        Args:
            X: images, (N, C, H, W).
            y: their classes, (N,) whole numbers 0..K-1.
            loss: the loss to differentiate.
            weights: one weight for each image, (N,); None: all the same.
            ctx: training or not, seed and step for dropout.

        Raises:
            DataError: if the images are not the network's, or labels and weights do not fit.
        """
        logits, cache = self.forward(finite(self.as_images(X), self.dtype), ctx)
        value, dlogits = loss(logits, np.asarray(y), weights)
        return value, self.backward(cache, dlogits)

    def update_buffers(self, cache: Any) -> None:
        """Renew the carried arrays after a training step that left `cache`."""
        for name, value in flatten(self.chain.update_buffers(self.tree, cache)).items():
            self.buffers[name] = value

    def measure(self, images: Array, weights: Array | None = None) -> None:
        """Set mean and std of each `Normalize` layer to those of the training images.

        Args:
            images: these, (N, C, H, W).
            weights: how much each counts, (N,); None: all the same.
        """
        for index, layer in enumerate(self.layers):
            if isinstance(layer, Normalize):
                measured = layer.measure(self._outputs_before(index, images), weights)
                for name, value in measured.items():
                    self.buffers[f"{index}.{name}"] = value
        self.measured = True

    def logits(self, X: ArrayLike, batch_size: int = 250) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), as they are at inference."""
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
        X = finite(self.as_images(X), self.dtype)
        parts = [self.forward(X[at : at + batch_size])[0] for at in range(0, len(X), batch_size)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)), self.dtype)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, (N, K), for images X (N, C, H, W)."""
        return (self.calibration or Calibration()).probabilities(self.logits(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable label, (N,), for images X (N, C, H, W)."""
        return np.asarray(self.classes)[self.logits(X).argmax(axis=1)]

    def snapshot(self) -> dict[str, Array]:
        """Return a copy of all arrays by name."""
        return {name: array.copy() for name, array in self.arrays.items()}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Set all arrays by name, as `snapshot` returned them.

        Raises:
            ModelError: if a name is missing or unknown, or a shape differs.
        """
        check_same_structure(self.arrays, arrays)
        for name, array in arrays.items():
            self.arrays[name] = array

    def save(
        self, path: str | Path, about: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        """Write the network to a file: see `save_model`, whose arguments these are."""
        from handgrad.classifier import save_model

        save_model(self, path, about, **options)

    def as_images(self, X: ArrayLike) -> NDArray[Any]:
        """Return X as images (N, C, H, W) of this network; (N, H, W) is as good where C is 1.

        Raises:
            DataError: if X cannot be taken so.
        """
        X = np.asarray(X)
        if X.ndim == len(self.shape) and self.shape[0] == 1:
            X = X[:, None]
        if X.shape[1:] != self.shape or X.ndim != len(self.shape) + 1:
            wanted = ", ".join(map(str, ("N", *self.shape)))
            raise DataError(f"the network takes images ({wanted}), not an array {X.shape}")
        if not (X.dtype == np.uint8 or np.issubdtype(X.dtype, np.floating)):
            raise DataError(f"images must be uint8 (0..255) or floating point, not {X.dtype}")
        return X

    def as_input(self, X: ArrayLike) -> Array:
        """Return images as numbers of the network's dtype: uint8 0..255 becomes 0..1."""
        X = self.as_images(X)
        if X.dtype == np.uint8:
            return X * np.array(1 / 255, self.dtype)
        return X.astype(self.dtype, copy=False)

    def summary(self) -> Summary:
        """Return the table of layers, with shapes, parameters and arithmetic."""
        return summarize(self.layers, self.tree, np.zeros((1, *self.shape), self.dtype))

    def _outputs_before(self, index: int, images: Array, size: int = 1000) -> Iterator[Array]:
        """Yield what reaches the layer at `index`, batch by batch."""
        before = Chain(self.layers[:index])
        for at in range(0, len(images), size):
            X = self.as_input(images[at : at + size])
            yield before.forward(self.tree, X, Context())[0]


def finite(X: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return images as they are, or raise a DataError if a pixel is no number of a dtype."""
    if X.dtype == np.uint8:
        return X
    if not np.isfinite(X).all():
        raise DataError("an image holds NaN or infinity; look for what went wrong before")
    if X.dtype.itemsize > dtype.itemsize and np.abs(X).max(initial=0) > np.finfo(dtype).max:
        raise DataError(
            f"an image holds {np.abs(X).max():.3g}, too much for a network of {dtype}; "
            "bring its pixels to 0..1"
        )
    return X


def gradients_alone(layer: Layer, params: Params, cache: Any, dY: Array) -> Params:
    """Return a layer's gradients without dX, by the shorter way where it has one."""
    if gives_gradients_alone(layer):
        return layer.gradients(params, cache, dY)
    return layer.backward(params, cache, dY)[1]


def layer_name(layers: Sequence[Layer], index: int) -> str:
    """Return a layer's name for messages and tables, such as "2 (Dense)"."""
    return f"{index} ({type(layers[index]).__name__})"
