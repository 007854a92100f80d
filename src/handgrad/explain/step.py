"""One image's way through a network and back, step by step."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label
from handgrad.errors import DataError
from handgrad.explain.formula import formula_of
from handgrad.layers import Array, Chain, Context, Layer, Params, Residual, Shape
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network

Way = Literal["forward", "loss", "backward"]

LAST = "Training leaves this last dX out, for nobody learns from the image."


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        way: forward, loss or backward.
        name: the layer's place and kind, such as "3 (Dense)" or "8.body.0 (Conv2d)"; of the
            loss, its kind.
        sentence: what the layer does.
        formulas: the formulas of this way, and words between them.
        arrays: what takes part, by the names of the formulas.
    """

    way: Way
    name: str
    sentence: str
    formulas: tuple[str, ...]
    arrays: dict[str, Array]


class Class(NamedTuple):
    """One class in the loss, as it is worked out.

    Attributes:
        label: the class.
        z: its logit.
        shifted: the logit without the largest one.
        exp: e to that.
        p: its share of the sum of all of them.
        q: the share it should have.
        dz: the derivative of the loss, p − q.
    """

    label: Label
    z: float
    shifted: float
    exp: float
    p: float
    q: float
    dz: float


@dataclass(frozen=True)
class Walk:
    """One forward and one backward pass of one image.

    Attributes:
        image: the image as the data has it, (C, H, W).
        label: the class it shows.
        predicted: the class with the largest logit.
        loss: the loss.
        training: whether dropout and batch norm did as in training.
        steps: what was done, in order.
        classes: the loss in numbers, class by class.
        weights: in words, where the network's weights are from; nothing if it is not known.
    """

    image: NDArray[Any]
    label: Label
    predicted: Label
    loss: float
    training: bool
    steps: list[Step]
    classes: list[Class]
    weights: str = ""


def walk(
    net: Network,
    image: NDArray[Any],
    label: Label,
    *,
    training: bool = False,
    seed: int = 0,
    weights: str = "",
) -> Walk:
    """Take one image through a network and back, and note all that is computed.

    The passes are the network's own: each layer is replaced by one that does the same and takes
    notes. Nothing is learned.

    Args:
        net: the network.
        image: (C, H, W).
        label: the class it shows, one of the network's.
        training: whether dropout drops, and batch norm takes this image's own statistics.
        seed: decides what dropout drops.
        weights: in words, where the network's weights are from.

    Raises:
        DataError: if the image or the label is none for this network.
    """
    if label not in net.classes:
        raise DataError(
            f"the image shows {label!r}, which is none of the network's "
            f"{len(net.classes)} classes; choose another image, or other data"
        )
    y, ctx, notes = np.array([net.classes.index(label)]), Context(training, seed), _Notes()
    noting = copy.copy(net)
    noting.layers = tuple(_watched(x, str(at), notes) for at, x in enumerate(net.layers))

    logits, cache = noting.forward(image[None], ctx)
    loss = SoftmaxCrossEntropy()
    value, dlogits = loss(logits, y)
    notes.add("loss", "", loss, {"Z": logits, "y": y, "dZ": dlogits})
    noting.backward(cache, dlogits)
    notes.steps[-1] = replace(notes.steps[-1], formulas=(*notes.steps[-1].formulas, LAST))
    predicted = net.classes[int(logits.argmax())]
    classes = list(_classes(net.classes, logits[0], dlogits[0], int(y[0])))
    return Walk(image, label, predicted, value, training, notes.steps, classes, weights)


class _Notes:
    """The steps noted so far."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, way: Way, name: str, thing: object, arrays: dict[str, Any], at: int = -1) -> None:
        """Note a step, at the end or where its first part stands."""
        said = formula_of(type(thing))
        formulas = said.backward if way == "backward" else said.forward
        if way == "loss":
            formulas += said.backward
        # The arrays of inner layers are noted with those.
        own = {key: array for key, array in arrays.items() if not isinstance(array, dict)}
        kind = type(thing).__name__
        title = f"{name} ({kind})" if name else kind
        step = Step(way, title, said.sentence, formulas, own)
        self.steps.insert(len(self.steps) if at < 0 else at, step)


@dataclass(frozen=True)
class _Watched:
    """A layer that does as another one, and notes what goes in and out.

    It never leaves out dX: at the first layer that learns, training does.
    """

    layer: Layer
    name: str
    notes: _Notes = field(repr=False)

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return the layer's arrays and the shape of its output."""
        return self.layer.init(shape, rng)

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Any]:
        """X -> Y; the note of a layer made of layers stands before theirs."""
        at = len(self.notes.steps)
        Y, cache = self.layer.forward(params, X, ctx)
        self.notes.add("forward", self.name, self.layer, {"X": X, **params, "Y": Y}, at)
        return Y, cache

    def backward(self, params: Params, cache: Any, dY: Array) -> tuple[Array, Params]:
        """Return dX and the gradients, given dY."""
        at = len(self.notes.steps)
        dX, gradients = self.layer.backward(params, cache, dY)
        own = {f"d{name}": array for name, array in gradients.items()}
        self.notes.add("backward", self.name, self.layer, {"dY": dY, **own, "dX": dX}, at)
        return dX, gradients


def _watched(layer: Layer, name: str, notes: _Notes) -> _Watched:
    """Return a layer, and the layers it is made of, as ones that take notes."""
    if isinstance(layer, Chain):
        layer = replace(layer, layers=_all(layer.layers, name, notes))
    elif isinstance(layer, Residual):
        body = _all(layer.body, f"{name}.body", notes)
        shortcut = _all(layer.shortcut, f"{name}.shortcut", notes)
        layer = replace(layer, body=body, shortcut=shortcut)
    return _Watched(layer, name, notes)


def _all(layers: Sequence[Layer], name: str, notes: _Notes) -> tuple[Layer, ...]:
    return tuple(_watched(layer, f"{name}.{at}", notes) for at, layer in enumerate(layers))


def _classes(labels: tuple[Label, ...], Z: Array, dZ: Array, y: int) -> Iterator[Class]:
    """Yield each class with the numbers that softmax and cross-entropy make of its logit."""
    shifted = Z - Z.max()
    exp = np.exp(shifted)
    p = exp / exp.sum()
    for k, label in enumerate(labels):
        numbers = (Z[k], shifted[k], exp[k], p[k], k == y, dZ[k])
        yield Class(label, *map(float, numbers))
