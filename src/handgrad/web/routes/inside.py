"""Endpoints of the view Inside: what needs the test images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from starlette.routing import BaseRoute

from handgrad.calibration import Calibration
from handgrad.classifier import Classifier
from handgrad.data import Dataset
from handgrad.errors import DataError
from handgrad.explain.formula import formula_of, is_words
from handgrad.features import features
from handgrad.layers import LAYER_CLASSES, Array
from handgrad.train.evaluate import evaluate, with_classes
from handgrad.web.edits import MAX_EDITS, Edit, edited
from handgrad.web.endpoint import PackedArray, Parameters, endpoint, packed
from handgrad.web.projection import project
from handgrad.web.routes.session import Nothing
from handgrad.web.session import Session

JUDGED = 10_000  # test images that the lab evaluates
SEARCHED = 2_000  # test images among which those that excite a neuron most are searched
SHOWN = 8
MAPPED = 500  # test images in a map
BATCH = 250


class Edits(Parameters):
    """Edits of the network, in order."""

    edits: list[Edit] = Field(default=[], max_length=MAX_EDITS)


class Neuron(Edits):
    """An output or channel of a layer.

    Attributes:
        layer: the path of the layer, such as "3".
        index: the output or channel.
    """

    layer: str = Field(max_length=200)
    index: int = Field(ge=0)


class MapOf(Edits):
    """The map of a layer.

    Attributes:
        layer: the path of the layer, such as "3".
        image: an image that is also placed in the map, (C, H, W), or None.
    """

    layer: str = Field(max_length=200)
    image: PackedArray | None = None


def routes(session: Session) -> list[BaseRoute]:
    """Return the endpoints of the view Inside."""
    before: dict[str, Any] = {}  # the scores of the model without edits

    def formulas(_: Nothing) -> dict[str, Any]:
        """Return the formulas of each kind of layer, as in its docstring."""
        found = {name: formula_of(kind) for name, kind in LAYER_CLASSES.items()}
        return {
            name: {
                "forward": [part for part in formula.forward if not is_words(part)],
                "backward": formula.backward,
            }
            for name, formula in found.items()
        }

    def lab(given: Edits) -> dict[str, Any]:
        """Return the accuracy on the test images before and after edits."""
        with session.compute:
            model = session.classifier
            test = _test_images(session, JUDGED)
            if before.get("version") != session.version:
                before.update(version=session.version, scores=_scores(model, test))
            scores = before["scores"]
            new = _scores(edited(model, given.edits), test) if given.edits else scores
            return {"images": len(test), "before": scores, "after": new}

    def exciting(given: Neuron) -> dict[str, Any]:
        """Return the test images with the largest output of a neuron, or maximum of a channel."""
        with session.compute:
            model = edited(session.classifier, given.edits)
            test = _test_images(session, SEARCHED)
            highest = _highest(model, model.pixels(test), given.layer, given.index)
            chosen = np.argsort(-highest, kind="stable")[:SHOWN]
            return {
                "images": packed(model.pixels(test.take(chosen))),
                "index": chosen.tolist(),
                "labels": [str(test.classes[k]) for k in test.labels[chosen]],
                "values": highest[chosen].tolist(),
                "mean": float(highest.mean()),
                "searched": len(test),
            }

    def map_of(given: MapOf) -> dict[str, Any]:
        """Return the two principal components of a layer's output for test images."""
        with session.compute:
            model = edited(session.classifier, given.edits)
            test = _test_images(session, MAPPED)
            known = features(model.network, model.pixels(test), given.layer)
            own = None
            if given.image is not None:
                image = given.image.array()
                if image.shape != model.shape:
                    raise DataError("the image does not fit the model; load the page again")
                own = features(model.network, image[np.newaxis], given.layer)[0]
        places, explained, place = project(known, own)
        return {
            "places": packed(places),
            "labels": test.labels.tolist(),
            "explained": explained,
            "own": None if place is None else place.tolist(),
            "features": known.shape[1],
        }

    return [
        endpoint("/api/inside/formulas", formulas, Nothing),
        endpoint("/api/inside/lab", lab, Edits, "POST"),
        endpoint("/api/inside/exciting", exciting, Neuron, "POST"),
        endpoint("/api/inside/map", map_of, MapOf, "POST"),
    ]


def _test_images(session: Session, most: int) -> Dataset:
    """Return the first test images, with the classes of the model."""
    test = with_classes(session.data[1], session.classifier.classes)
    return test.take(range(min(most, len(test))))


def _scores(model: Classifier, test: Dataset) -> dict[str, Any]:
    """Return the accuracy, the loss, and the mean probability of the answers."""
    Z = model.logits(test)
    p = (model.calibration or Calibration()).probabilities(Z)
    found = evaluate(model, test, logits=lambda _: Z)
    return {
        "correct": found.correct,
        "accuracy": found.accuracy,
        "loss": found.loss,
        "confidence": float(p.max(axis=1).mean()),
    }


def _highest(model: Classifier, images: NDArray[Any], layer: str, index: int) -> Array:
    """Return the largest output of a channel of a layer for each image, (N,)."""
    network, found = model.network, []
    channels = {step.path: step.Y.shape[1] for step in network.walk(images[:1], inner=True)}
    if index >= channels.get(layer, 0):
        raise DataError(f"the network has no output {index} in a layer {layer}")
    for at in range(0, len(images), BATCH):
        outputs = features(network, images[at : at + BATCH], layer)
        found.append(outputs.reshape(len(outputs), channels[layer], -1)[:, index].max(axis=1))
    return np.concatenate(found)
