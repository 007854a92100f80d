"""A network: layers with their arrays, from images to logits and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.layers import (
    Array,
    Context,
    Layer,
    Normalize,
    Sequential,
    has_buffers,
)
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.network_arguments import (
    as_class_count,
    as_network_dtype,
    as_shape,
    complete_layers,
)
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
from handgrad.walk import LayerBackward, LayerForward, walk, walk_back


class Network:
    """A sequence of layers that ends in one logit per class.

    A network only computes logits and gradients. `hg.Classifier` adds class names, preprocessing
    and calibration; it predicts labels and can be saved to a file.

    >>> layers = [hg.Flatten(), hg.Dense(30), hg.ReLU(), hg.Dense()]
    >>> net = hg.Network(layers, shape=(1, 28, 28), classes=10)
    >>> logits, cache = net.forward(np.zeros((5, 1, 28, 28)))
    >>> logits.shape
    (5, 10)

    Args:
        layers: the layers in order. If the last layer is `Dense()` without a number of units, it
            gets one unit per class.
        shape: the shape of one image, (C, H, W).
        classes: the number of classes, K.
        seed: determines the initial weights.
        dtype: float32 for training, float64 for gradient checks.
        arrays: the values of all arrays by name, which are copied, or None to initialize the
            arrays.
        is_fitted: whether `arrays` contains the statistics of the `Normalize` layers.

    Attributes:
        layers: the layers.
        shape: the shape of one image.
        classes: the number of classes.
        dtype: the dtype of all arrays.
        parameters: the learned arrays, under the names that PyTorch's ``state_dict`` uses, such as
            "0.weight". Assigning to an entry copies the values into the network.
        buffers: the arrays that are not learned, such as "1.running_mean". Assigning to an entry
            copies the values into the network, as for `parameters`.
        arrays: parameters and buffers together. Assigning to an entry copies the values into the
            network, as for `parameters`.
        params: parameters and buffers as a tree, in the form that `Sequential` takes.
        first_trainable: the index of the first layer with parameters, or 0 if there is none.
        is_fitted: whether `Normalize` layers have the statistics of the training images.

    Raises:
        ModelError: if the layers are not compatible with each other, with the shape, or with the
            number of classes.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Sequence[int],
        classes: int,
        *,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
        arrays: Mapping[str, Array] | None = None,
        is_fitted: bool = False,
    ) -> None:
        self.shape = as_shape(shape)
        self.classes = as_class_count(classes)
        self.dtype = as_network_dtype(dtype)
        self.layers = complete_layers(layers, self.classes)
        sequential = Sequential(self.layers)

        rng = generator(seed, "init") if arrays is None else ZeroGenerator()
        params, output = sequential.init(self.shape, rng)
        if output != (self.classes,):
            raise ModelError(
                f"the network ends in {output}, but needs one logit for each of "
                f"the {self.classes} classes; end it with Dense()"
            )
        if arrays is not None:
            check_same_structure(flatten(params), arrays)
            params = replace_leaves(params, arrays)
        self.params = as_dtype(params, self.dtype)
        self.arrays, buffers = flatten(self.params), sequential.buffers
        self.parameters = Arrays((k, v) for k, v in self.arrays.items() if k not in buffers)
        self.buffers = Arrays((k, v) for k, v in self.arrays.items() if k in buffers)
        self.first_trainable = self._first_trainable(0)
        self.is_fitted = is_fitted

    def walk(
        self, X: ArrayLike, ctx: Context = Context(), *, inner: bool = False, frozen: int = 0
    ) -> Iterator[LayerForward]:
        """Run the forward pass, and yield each layer with its input, output and cache.

        Args:
            X: images, (N, C, H, W).
            ctx: the context, which says whether the network is being trained and provides the seed
                and the step for dropout.
            inner: whether to also yield the layers nested inside a layer, after the layer that
                contains them.
            frozen: how many of the first layers are frozen: they run in inference mode.
        """
        X = self.as_input(X)
        return walk(self.layers, self.params, X, ctx, inner=inner, frozen=frozen)

    def walk_back(
        self,
        cache: Any,
        dlogits: Array,
        *,
        to_input: bool = False,
        inner: bool = False,
        frozen: int = 0,
    ) -> Iterator[LayerBackward]:
        """Run the backward pass, and yield each layer with its gradients, from last to first.

        Backpropagation stops at the first layer with parameters that is not frozen: the gradient
        with respect to its input is not needed.

        Args:
            cache: the cache that `forward` returned.
            dlogits: the gradient with respect to the logits, (N, K).
            to_input: whether to continue to the first layer and compute every dX.
            inner: whether to also yield the layers nested inside a layer, after the layer that
                contains them.
            frozen: how many of the first layers are frozen.
        """
        stop = None if to_input else self._first_trainable(frozen)
        return walk_back(self.layers, self.params, cache, dlogits, stop=stop, inner=inner)

    def forward(
        self, X: ArrayLike, ctx: Context = Context(), *, frozen: int = 0
    ) -> tuple[Array, Any]:
        """Return the logits (N, K) of images X (N, C, H, W), and the cache for `backward`.

        Images of dtype uint8 are divided by 255; floating-point images are used unchanged. The
        first `frozen` layers run in inference mode.
        """
        cache = []
        for step in self.walk(X, ctx, frozen=frozen):
            cache.append(step.cache)
        return step.Y, cache

    def backward(self, cache: Any, dlogits: Array, *, frozen: int = 0) -> dict[str, Array]:
        """Return the gradient of each parameter, given the gradient of the logits (N, K).

        The first `frozen` layers have no gradients.
        """
        steps = self.walk_back(cache, dlogits, frozen=frozen)
        return flatten({step.path: step.gradients for step in steps})

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

        The network is not changed. To write your own training loop for a network with batch norm or
        dropout, call `forward`, `backward` and `update_buffers` instead, and pass a
        context with another `step` each time. Otherwise, the running statistics do not change, and
        each step samples the same dropout mask.

        Args:
            X: images, (N, C, H, W).
            y: the classes of the images, (N,) integers 0..K-1.
            loss: the loss to differentiate.
            weights: one weight per image, (N,), or None for equal weights.
            ctx: the context, which says whether the network is being trained and provides the seed
                and the step for dropout.

        Raises:
            DataError: if the images do not match the network, or the labels or weights do not match
                the images.
        """
        logits, cache = self.forward(finite(self.as_images(X), self.dtype), ctx)
        value, dlogits = loss(logits, np.asarray(y), weights)
        return value, self.backward(cache, dlogits)

    def update_buffers(self, cache: Any, *, frozen: int = 0) -> None:
        """Update the buffers, such as running statistics, from the `cache` of a training step.

        The buffers of the first `frozen` layers are not changed.
        """
        updated = {
            str(index): layer.update_buffers(self.params[str(index)], cache[index])
            for index, layer in enumerate(self.layers)
            if index >= frozen and has_buffers(layer)
        }
        for name, value in flatten(updated).items():
            self.buffers[name] = value

    def fit_statistics(self, images: Array, weights: Array | None = None) -> None:
        """Set the mean and standard deviation of each `Normalize` layer from the training images.

        Args:
            images: the training images, (N, C, H, W).
            weights: one weight per image, (N,), or None for equal weights.
        """
        for index, layer in enumerate(self.layers):
            if isinstance(layer, Normalize):
                statistics = layer.fit_statistics(self._inputs_of(index, images), weights)
                for name, value in statistics.items():
                    self.buffers[f"{index}.{name}"] = value
        self.is_fitted = True

    def logits(self, X: ArrayLike, batch_size: int = 250) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), computed in inference mode."""
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
        X = finite(self.as_images(X), self.dtype)
        parts = [self.forward(X[at : at + batch_size])[0] for at in range(0, len(X), batch_size)]
        return np.concatenate(parts) if parts else np.zeros((0, self.classes), self.dtype)

    def snapshot(self) -> dict[str, Array]:
        """Return a copy of all arrays by name."""
        return {name: array.copy() for name, array in self.arrays.items()}

    def restore(self, arrays: Mapping[str, Array], *, is_fitted: bool | None = None) -> None:
        """Set all arrays to the given values.

        Args:
            arrays: the arrays by name, as `snapshot` returned them.
            is_fitted: whether the arrays contain the statistics of `Normalize` layers, or None to
                leave `is_fitted` unchanged.

        Raises:
            ModelError: if a name is missing or unknown, or a shape differs.
        """
        check_same_structure(self.arrays, arrays)
        for name, array in arrays.items():
            self.arrays[name] = array
        if is_fitted is not None:
            self.is_fitted = is_fitted

    def copy(self) -> Network:
        """Return a copy of the network with its own arrays."""
        return Network(
            self.layers,
            self.shape,
            self.classes,
            dtype=self.dtype,
            arrays=self.arrays,
            is_fitted=self.is_fitted,
        )

    def as_images(self, X: ArrayLike) -> NDArray[Any]:
        """Return X as images (N, C, H, W) of this network; X may be (N, H, W) if C is 1.

        Raises:
            DataError: if X has a different shape, or a dtype that images cannot have.
        """
        X = np.asarray(X)
        if X.ndim == len(self.shape) and self.shape[0] == 1:
            X = X[:, None]
        if X.shape[1:] != self.shape or X.ndim != len(self.shape) + 1:
            wanted = ", ".join(map(str, ("N", *self.shape)))
            raise DataError(
                f"the network takes images ({wanted}), not an array of shape {X.shape}; convert "
                "the images to this form"
            )
        if not (X.dtype == np.uint8 or np.issubdtype(X.dtype, np.floating)):
            raise DataError(f"images must be uint8 (0..255) or floating point, not {X.dtype}")
        return X

    def as_input(self, X: ArrayLike) -> Array:
        """Return images in the network's dtype, with uint8 values 0..255 scaled to 0..1."""
        X = self.as_images(X)
        if X.dtype == np.uint8:
            return X * np.array(1 / 255, self.dtype)
        return X.astype(self.dtype, copy=False)

    def summary(self) -> Summary:
        """Return the table of layers, with shapes, parameters and multiply-adds."""
        return summarize(self.walk(np.zeros((1, *self.shape), self.dtype), inner=True))

    def _first_trainable(self, frozen: int) -> int:
        """Return the index of the first layer with parameters that is not frozen, or `frozen`."""
        indices = (int(name.split(".")[0]) for name in self.parameters)
        return min((index for index in indices if index >= frozen), default=frozen)

    def _inputs_of(self, index: int, images: Array, size: int = 1000) -> Iterator[Array]:
        """Yield the input of the layer at `index`, batch by batch."""
        before = Sequential(self.layers[:index])
        for at in range(0, len(images), size):
            X = self.as_input(images[at : at + size])
            yield before.forward(self.params, X, Context())[0]

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        count = sum(array.size for array in self.parameters.values())
        layers = f"{len(self.layers)} layer{'s' * (len(self.layers) > 1)}"
        return f"Network({shape} -> {self.classes} classes, {layers}, {count:,} parameters)"

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def finite(X: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return images unchanged, or raise a DataError if a pixel is not finite in the given dtype."""
    if X.dtype == np.uint8:
        return X
    if not np.isfinite(X).all():
        raise DataError("an image contains NaN or infinity; check how the images were computed")
    if X.dtype.itemsize > dtype.itemsize and np.abs(X).max(initial=0) > np.finfo(dtype).max:
        raise DataError(
            f"an image contains {np.abs(X).max():.3g}, which is too large for {dtype}; "
            "scale its pixels to 0..1"
        )
    return X


def layer_name(layers: Sequence[Layer], index: int) -> str:
    """Return a layer's name for messages and tables, such as "2 (Dense)"."""
    return f"{index} ({type(layers[index]).__name__})"
