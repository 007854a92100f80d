"""Endpoints of the view Draw: the nearest training images, and learning from drawings."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from starlette.routing import BaseRoute

from handgrad.errors import ConfigError, DataError
from handgrad.features import features
from handgrad.layers import Array
from handgrad.web.background import Computation
from handgrad.web.endpoint import PackedArray, Parameters, endpoint, packed
from handgrad.web.handwriting import Learned, learn
from handgrad.web.routes.session import Nothing
from handgrad.web.session import Session

NEAREST = 8
COMPARED = 10_000  # training images that are compared
MAX_DRAWINGS = 200
MAX_CLASS = 2**31 - 1


class OneImage(Parameters):
    """An image as the network takes it, (C, H, W)."""

    image: PackedArray


class Drawings(Parameters):
    """Drawings as the network takes them, (N, C, H, W) uint8, and the index of each class."""

    images: PackedArray
    labels: list[Annotated[int, Field(ge=0, le=MAX_CLASS)]] = Field(max_length=MAX_DRAWINGS)


def routes(session: Session) -> list[BaseRoute]:
    """Return the endpoints of the view Draw."""
    index, handwriting = _Index(session), _Handwriting(session)
    session.at_close(handwriting.stop)
    return [
        endpoint("/api/draw/nearest", index.nearest, OneImage, "POST"),
        endpoint("/api/draw/learn", handwriting.start, Drawings, "POST"),
        endpoint("/api/draw/learning", handwriting.progress, Nothing),
        endpoint("/api/draw/use", handwriting.use, Nothing, "POST"),
    ]


class _Handwriting:
    """Learning from drawings: at most one training at a time, and the last new model."""

    def __init__(self, session: Session) -> None:
        self._session, self._lock = session, threading.Lock()
        self._learning: Computation[Learned] | None = None
        self._saved: Path | None = None

    def start(self, given: Drawings) -> dict[str, Any]:
        """Start to learn drawings."""
        images, labels = given.images.array(), np.asarray(given.labels, np.int64)
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(labels):
            raise DataError("drawings must be uint8 arrays with one label each")

        def work(computation: Computation[Learned]) -> Learned:
            result, self._saved = learn(self._session, images, labels, computation.report)
            return result

        with self._lock:
            if self._learning is not None and not self._learning.is_over:
                raise ConfigError("the model is still learning; wait until it has finished")
            self._learning = Computation(work)
        return {}

    def progress(self, _: Nothing) -> dict[str, Any]:
        """Return the progress, and the result at the end."""
        if self._learning is None:
            raise ConfigError("no drawings have been given yet")
        found = self._learning.poll()
        if found["is_over"] and not found["error"]:
            found["result"] = self._learning.result._asdict()
        return found

    def use(self, _: Nothing) -> dict[str, Any]:
        """Show the new model from now on."""
        if self._saved is None:
            raise ConfigError("no drawings have been learned yet")
        self._session.open_model(self._saved.absolute())
        return self._session.describe()

    def stop(self) -> None:
        """End the training, if one runs."""
        if self._learning is not None:
            self._learning.stop()


class _Index:
    """The features of the training images, computed once for each model."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: tuple[int, Array] | None = None

    def nearest(self, given: OneImage) -> dict[str, Any]:
        """Return the training images whose last hidden layer is most like that of an image."""
        session = self._session
        with session.compute:
            model, known = session.classifier, self._features()
            image = given.image.array()
            if image.shape != model.shape:
                raise DataError("the image does not fit the model; load the page again")
            own = features(model.network, image[np.newaxis])
            distances = np.sqrt(((known - own) ** 2).sum(axis=1))
            chosen = np.argsort(distances, kind="stable")[:NEAREST]
            train = session.data[0]
            return {
                "images": packed(model.pixels(train.take(chosen))),
                "labels": [str(train.classes[k]) for k in train.labels[chosen]],
                "distances": distances[chosen].tolist(),
                "compared": len(known),
            }

    def _features(self) -> NDArray[Any]:
        """Return the features of the first `COMPARED` training images, (n, D)."""
        session = self._session
        if self._found is None or self._found[0] != session.version:
            train = session.data[0]
            chosen = train.take(range(min(COMPARED, len(train))))
            model = session.classifier
            self._found = session.version, features(model.network, model.pixels(chosen))
        return self._found[1]
