"""A network: a chain of layers with their arrays, from pictures to logits and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handgrad.errors import DataError, ModelError
from handgrad.layers import (
    Array,
    Chain,
    Context,
    Dense,
    Layer,
    Normalize,
    Shape,
    Tree,
    ends,
    inner_layers,
)
from handgrad.losses import Loss, SoftmaxCrossEntropy, softmax
from handgrad.random import generator
from handgrad.summary import Summary, summarize

Label = str | int


class Network:
    """A chain of layers that ends in one logit for each class.

    >>> layers = [hg.Flatten(), hg.Dense(30), hg.ReLU(), hg.Dense()]
    >>> net = hg.Network(layers, shape=(1, 28, 28), classes=10)
    >>> logits, cache = net.forward(np.zeros((5, 1, 28, 28)))
    >>> logits.shape
    (5, 10)

    Args:
        layers: the layers in order. A last `Dense()` gets as many units as there are classes.
        shape: the shape of one picture, (C, H, W).
        classes: what the classes are called, or how many there are.
        seed: decides the initial weights.
        dtype: float32 to train, float64 to prove.

    Attributes:
        layers: the layers.
        shape: the shape of one picture.
        classes: what the classes are called; logit k belongs to the k-th.
        parameters: the learned arrays by name, as PyTorch's ``state_dict`` calls them ("0.weight").
        state: the arrays that are carried along ("1.running_mean").
        measured: whether `Normalize` layers know the training pictures' mean and std.

    Raises:
        ModelError: where the layers do not fit to each other, the shape or the classes.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Sequence[int],
        classes: Sequence[Label] | int,
        *,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.shape: Shape = tuple(int(size) for size in shape)
        self.classes: tuple[Label, ...] = _labels(classes)
        self.dtype = np.dtype(dtype)
        self.layers = _with_units(layers, len(self.classes))
        self.chain = Chain(self.layers)
        for layer in self.layers:
            _check_inside(layer)

        tree, output = self.chain.init(self.shape, generator(seed, "init"))
        if output != (len(self.classes),):
            raise ModelError(
                f"the network ends in {output}, but needs one logit for each of "
                f"{len(self.classes)} classes; end it with Dense()"
            )
        self.tree = _cast(tree, self.dtype)
        self.measured = False
        carried = self.chain.carried
        self.parameters = {k: v for k, v in self.arrays.items() if k not in carried}
        self.state = {k: v for k, v in self.arrays.items() if k in carried}
        self._first_learning = min((int(name.split(".")[0]) for name in self.parameters), default=0)

    @property
    def arrays(self) -> dict[str, Array]:
        """All arrays by name, learned and carried; changing them changes the network."""
        return flatten(self.tree)

    def forward(self, X: ArrayLike, ctx: Context = Context()) -> tuple[Array, Any]:
        """Return the logits (N, K) of pictures X (N, C, H, W), and what `backward` needs.

        Pictures of uint8 count as 0..255 and are brought to 0..1; others are taken as they are.
        """
        A, cache = self.as_input(X), []
        for index, layer in enumerate(self.layers):
            A, kept = layer.forward(self.tree[str(index)], A, ctx.inside(index))
            cache.append(kept)
        return A, cache

    def backward(self, cache: Any, dlogits: Array) -> dict[str, Array]:
        """Return the gradient of each parameter, given that of the logits (N, K).

        The way back ends at the first layer that learns: nobody learns from the pictures.
        """
        dA, gradients = dlogits, Tree()
        for index in range(len(self.layers) - 1, self._first_learning, -1):
            layer, params = self.layers[index], self.tree[str(index)]
            dA, gradients[str(index)] = layer.backward(params, cache[index], dA)
        first, params = self._first_learning, self.tree[str(self._first_learning)]
        gradients[str(first)] = gradients_alone(self.layers[first], params, cache[first], dA)
        return flatten(gradients)

    def loss_and_grads(
        self,
        X: ArrayLike,
        y: NDArray[np.integer[Any]],
        *,
        loss: Loss = SoftmaxCrossEntropy(),
        weights: Array | None = None,
        ctx: Context = Context(training=True),
    ) -> tuple[float, dict[str, Array]]:
        """Return the loss of a batch and its gradient with respect to each parameter.

        Args:
            X: pictures, (N, C, H, W).
            y: their classes, (N,) whole numbers 0..K-1.
            loss: the loss to differentiate.
            weights: one weight for each picture, (N,); None: all the same.
            ctx: training or not, seed and step for dropout.
        """
        logits, cache = self.forward(X, ctx)
        value, dlogits = loss(logits, y, weights)
        return value, self.backward(cache, dlogits)

    def absorb(self, cache: Any) -> None:
        """Renew the carried arrays after a training step that left `cache`."""
        for name, value in flatten(self.chain.absorb(self.tree, cache)).items():
            self.state[name][...] = value

    def measure(self, pictures: Array) -> None:
        """Set mean and std of each `Normalize` layer to those of the training pictures."""
        for index, layer in enumerate(self.layers):
            if isinstance(layer, Normalize):
                measured = layer.measure(self._outputs_before(index, pictures))
                for name, value in measured.items():
                    self.state[f"{index}.{name}"][...] = value
        self.measured = True

    def logits(self, X: ArrayLike, batch_size: int = 250) -> Array:
        """Return the logits (N, K) of pictures X (N, C, H, W), as they are at inference."""
        X = np.asarray(X)
        self.check_input(X)
        if X.dtype != np.uint8 and not np.isfinite(X).all():
            raise DataError("a picture holds NaN or infinity; look for what went wrong before")
        parts = [self.forward(X[at : at + batch_size])[0] for at in range(0, len(X), batch_size)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)), self.dtype)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, (N, K), for pictures X (N, C, H, W)."""
        return softmax(self.logits(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable label, (N,), for pictures X (N, C, H, W)."""
        return np.asarray(self.classes)[self.logits(X).argmax(axis=1)]

    def snapshot(self) -> dict[str, Array]:
        """Return a copy of all arrays by name."""
        return {name: array.copy() for name, array in self.arrays.items()}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Set all arrays by name, as `snapshot` returned them.

        Raises:
            ModelError: where a name is missing or unknown, or a shape differs.
        """
        own = self.arrays
        if set(arrays) != set(own):
            name = min(set(arrays) ^ set(own))
            trouble = "missing" if name in own else "not one of this network's"
            raise ModelError(f"array {name} is {trouble}; is it another architecture's?")
        for name, array in arrays.items():
            if array.shape != own[name].shape:
                raise ModelError(f"array {name} is {array.shape}, must be {own[name].shape}")
        for name, array in arrays.items():
            own[name][...] = array

    def check_input(self, X: NDArray[Any]) -> None:
        """Raise a DataError unless X can be taken as pictures for this network."""
        if X.shape[1:] != self.shape or X.ndim != len(self.shape) + 1:
            wanted = ", ".join(map(str, ("N", *self.shape)))
            raise DataError(f"the network takes pictures ({wanted}), not an array {X.shape}")
        if not (X.dtype == np.uint8 or np.issubdtype(X.dtype, np.floating)):
            raise DataError(f"pictures must be uint8 (0..255) or floating point, not {X.dtype}")

    def as_input(self, X: ArrayLike) -> Array:
        """Return pictures as numbers of the network's dtype: uint8 0..255 becomes 0..1."""
        X = np.asarray(X)
        self.check_input(X)
        if X.dtype == np.uint8:
            return X * np.array(1 / 255, self.dtype)
        return X.astype(self.dtype, copy=False)

    def summary(self) -> Summary:
        """Return the table of layers, with shapes, parameters and arithmetic."""
        return summarize(self.layers, self.tree, np.zeros((1, *self.shape), self.dtype))

    def _outputs_before(self, index: int, pictures: Array, size: int = 1000) -> Iterator[Array]:
        """Yield what reaches the layer at `index`, batch by batch."""
        before = Chain(self.layers[:index])
        for at in range(0, len(pictures), size):
            X = self.as_input(pictures[at : at + size])
            yield before.forward(self.tree, X, Context())[0]


def flatten(tree: Tree, prefix: str = "") -> dict[str, Array]:
    """Return the arrays of a tree under their full names, such as "3.body.0.weight"."""
    flat: dict[str, Array] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def gradients_alone(layer: Layer, params: Tree, cache: Any, dY: Array) -> Tree:
    """Return a layer's gradients without dX, by the shorter way where it has one."""
    if ends(layer):
        return layer.gradients(params, cache, dY)
    return layer.backward(params, cache, dY)[1]


def layer_name(layers: Sequence[Layer], index: int) -> str:
    """Return a layer's name for messages and tables, such as "2 (Dense)"."""
    return f"{index} ({type(layers[index]).__name__})"


def _cast(tree: Tree, dtype: np.dtype[Any]) -> Tree:
    """Return the tree with all arrays in `dtype`."""
    return {
        name: _cast(value, dtype) if isinstance(value, dict) else value.astype(dtype)
        for name, value in tree.items()
    }


def _labels(classes: Sequence[Label] | int) -> tuple[Label, ...]:
    """Return what the classes are called."""
    labels = tuple(range(classes)) if isinstance(classes, int) else tuple(classes)
    if len(labels) < 2:
        raise ModelError(f"a classifier needs at least 2 classes, not {len(labels)}")
    if len(set(map(str, labels))) < len(labels):
        raise ModelError("two classes have the same name; give each its own")
    return labels


def _check_inside(layer: Layer) -> None:
    """Raise a ModelError where a Normalize that `measure` would not reach needs measuring."""
    for inner in inner_layers(layer):
        if isinstance(inner, Normalize) and None in (inner.mean, inner.std):
            raise ModelError(
                f"a Normalize inside {type(layer).__name__} is not measured; "
                "give it mean and std, or make it a layer of the network itself"
            )
        _check_inside(inner)


def _with_units(layers: Sequence[Layer], classes: int) -> tuple[Layer, ...]:
    """Return the layers; a last Dense that left its units open gets one for each class."""
    if not layers:
        raise ModelError("a network needs at least one layer; give it Flatten() and Dense()")
    *before, last = layers
    if isinstance(last, Dense) and last.units is None:
        last = dataclasses.replace(last, units=classes)
    return *before, last
