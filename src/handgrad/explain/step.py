"""The computation for one image, forward and backward, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label
from handgrad.classifier import Classifier, network_of
from handgrad.errors import DataError
from handgrad.explain.format import shape, words
from handgrad.explain.formula import formula_of
from handgrad.layers import Array, Context
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network

Phase = Literal["forward", "loss", "backward"]

LAST = "Training omits this last dX because the gradient with respect to the image is not needed."


@dataclass(frozen=True)
class ExplainedStep:
    """One step of the computation.

    Attributes:
        phase: "forward", "loss" or "backward".
        name: the layer's position and kind, such as "3 (Dense)" or "8.body.0 (Conv2d)", or the kind
            of the loss.
        sentence: a description of the layer.
        formulas: the formulas of this phase and the sentences between them.
        arrays: the arrays in the formulas, by name.
    """

    phase: Phase
    name: str
    sentence: str
    formulas: tuple[str, ...]
    arrays: dict[str, Array]


class LossTerm(NamedTuple):
    """The numbers by which the loss is computed from the logit of one class.

    Attributes:
        label: the class.
        z: the logit of the class.
        shifted: the logit minus the largest logit of all classes.
        exp: e to the power of `shifted`.
        p: the probability of the class: `exp` divided by its sum over all classes.
        q: the target probability.
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
class Explanation:
    """The forward and backward pass for one image.

    Attributes:
        image: the image, (C, H, W), as stored in the data.
        label: the class of the image.
        predicted: the class with the largest logit.
        loss: the loss.
        training: whether dropout and batch norm behaved as they do in training.
        steps: the steps of the computation, in order.
        terms: for each class, the numbers from which the loss is computed.
        weights: a description of where the weights come from, or "" if their origin is unknown.
    """

    image: NDArray[Any]
    label: Label
    predicted: Label
    loss: float
    training: bool
    steps: list[ExplainedStep]
    terms: list[LossTerm]
    weights: str = ""

    def __repr__(self) -> str:
        return (
            f"Explanation(label={self.label!r}, predicted={self.predicted!r}, "
            f"loss={self.loss:.4g}, {len(self.steps)} steps)"
        )

    def __str__(self) -> str:
        lines = [f"image of {self.label}, predicted {self.predicted}, loss {self.loss:.4g}"]
        for number, step in enumerate(self.steps, 1):
            lines += ["", f"{number} {step.phase} {step.name}", f"    {step.sentence}"]
            lines += [f"    {formula}" for formula in step.formulas]
            lines += [f"    {n} ({shape(a)}): {words(a)}" for n, a in step.arrays.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from handgrad.html import paragraph, table  # it imports Pillow

        rows = [
            (number, step.phase, step.name, "\n".join(step.formulas), _shapes(step.arrays))
            for number, step in enumerate(self.steps, 1)
        ]
        title = f"image of {self.label}, predicted {self.predicted}, loss {self.loss:.4g}"
        return paragraph(title) + table(rows, (">step", "phase", "layer", "formulas", "arrays"))


def explain_step(
    model: Network | Classifier,
    image: NDArray[Any],
    label: Label | None = None,
    *,
    training: bool = False,
    seed: int = 0,
    weights: str = "",
) -> Explanation:
    """Explain the forward and backward pass for one image, step by step.

    The model is not changed.

    >>> train, _ = hg.load_data("digits")
    >>> model = hg.Classifier.for_data(hg.models.softmax_regression(), train)
    >>> explained = hg.explain_step(model, train.images[0], 0)
    >>> [step.name for step in explained.steps]
    ['0 (Flatten)', '1 (Dense)', 'SoftmaxCrossEntropy', '1 (Dense)']

    Args:
        model: the network or classifier.
        image: the image, (C, H, W).
        label: the class of the image, by name for a classifier and by number for a network. If
            None, the class that the model predicts is used.
        training: whether dropout is active and batch norm uses this image's own statistics.
        seed: the seed that determines which elements dropout sets to zero.
        weights: a description of where the weights come from, which is shown with the explanation.

    Raises:
        DataError: if the image does not fit the model, or the label is not one of the model's
            classes.
    """
    net = network_of(model)
    classes = model.classes if isinstance(model, Classifier) else tuple(range(net.classes))
    if label is not None and label not in classes:
        raise DataError(
            f"the image's class {label!r} is not one of the model's {len(classes)} classes; "
            "choose another image or other data"
        )
    ctx, steps, cache = Context(training, seed), list[ExplainedStep](), []
    for forward in net.walk(image[None], ctx, inner=True):
        arrays = {"X": forward.X, **forward.params, "Y": forward.Y}
        steps.append(_step("forward", forward.name, forward.layer, arrays))
        if "." not in forward.path:
            cache.append(forward.cache)
            logits = forward.Y

    predicted = int(logits.argmax())
    k = predicted if label is None else classes.index(label)
    y, loss = np.array([k]), SoftmaxCrossEntropy()
    value, dlogits = loss(logits, y)
    arrays = {"Z": logits, "y": y, "dZ": dlogits}
    steps.append(_step("loss", type(loss).__name__, loss, arrays))

    for backward in net.walk_back(cache, dlogits, to_input=True, inner=True):
        if int(backward.path.split(".")[0]) < net.first_trainable:
            break
        own = {f"d{name}": array for name, array in backward.gradients.items()}
        arrays = {"dY": backward.dY, **own, "dX": backward.dX}
        steps.append(_step("backward", backward.name, backward.layer, arrays))
    steps[-1] = replace(steps[-1], formulas=(*steps[-1].formulas, LAST))

    terms = list(_terms(classes, logits[0], dlogits[0], k))
    return Explanation(
        image, classes[k], classes[predicted], value, training, steps, terms, weights
    )


def _step(phase: Phase, name: str, thing: object, arrays: dict[str, Any]) -> ExplainedStep:
    """Return a step with the formulas of a layer or a loss."""
    formula = formula_of(type(thing))
    formulas = formula.backward if phase == "backward" else formula.forward
    if phase == "loss":
        formulas += formula.backward
    # The arrays of layers inside this layer belong to the steps of those.
    own = {key: array for key, array in arrays.items() if not isinstance(array, dict)}
    return ExplainedStep(phase, name, formula.sentence, formulas, own)


def _shapes(arrays: dict[str, Array]) -> str:
    """Return the names and shapes of arrays as text, one array per line."""
    return "\n".join(f"{name}\N{NO-BREAK SPACE}{shape(array)}" for name, array in arrays.items())


def _terms(classes: tuple[Label, ...], Z: Array, dZ: Array, y: int) -> Iterator[LossTerm]:
    """Yield the numbers of each class in softmax and cross-entropy."""
    shifted = Z - Z.max()
    exp = np.exp(shifted)
    p = exp / exp.sum()
    for k, label in enumerate(classes):
        numbers = (Z[k], shifted[k], exp[k], p[k], k == y, dZ[k])
        yield LossTerm(label, *map(float, numbers))
