"""Endpoints of the view Draw: the nearest training images, and learning from drawings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from starlette.routing import BaseRoute

from handgrad.errors import ConfigError, DataError
from handgrad.features import features
from handgrad.layers import Array
from handgrad.web.endpoint import PackedArray, Parameters, endpoint, packed
from handgrad.web.handwriting import learn
from handgrad.web.job import Job
from handgrad.web.routes.session import Nothing
from handgrad.web.session import Session

NEAREST = 8
COMPARED = 10_000  # training images that are compared
MAX_DRAWINGS = 200


class OneImage(Parameters):
    """An image as the network takes it, (C, H, W)."""

    image: PackedArray


class Drawings(Parameters):
    """Drawings as the network takes them, (N, C, H, W) uint8, and the index of each class."""

    images: PackedArray
    labels: list[int] = Field(max_length=MAX_DRAWINGS)


def routes(session: Session) -> list[BaseRoute]:
    """Return the endpoints of the view Draw."""
    index = _Index(session)
    job = Job("learning")
    saved: list[Path] = []

    def nearest(given: OneImage) -> dict[str, Any]:
        """Return the training images whose last hidden layer is most like that of an image."""
        with session.compute:
            model, known = session.classifier, index.features()
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

    def start(given: Drawings) -> dict[str, Any]:
        images, labels = given.images.array(), np.asarray(given.labels, np.int64)
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(labels):
            raise DataError("drawings must be uint8 arrays with one label each")

        def work(report: Any) -> dict[str, Any]:
            with session.compute:
                result, path = learn(session, images, labels, report)
            saved[:] = [path]
            return result._asdict()

        job.start(work)
        return {}

    def use(_: Nothing) -> dict[str, Any]:
        if not saved:
            raise ConfigError("no drawings have been learned yet")
        session.open_model(saved[0].absolute())
        return session.describe()

    return [
        endpoint("/api/draw/nearest", nearest, OneImage, "POST"),
        endpoint("/api/draw/learn", start, Drawings, "POST"),
        endpoint("/api/draw/learning", lambda _: job.state, Nothing),
        endpoint("/api/draw/use", use, Nothing, "POST"),
    ]


class _Index:
    """The features of the training images, computed once for each model."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: tuple[int, Array] | None = None

    def features(self) -> NDArray[Any]:
        """Return the features of the first `COMPARED` training images, (n, D)."""
        session = self._session
        if self._found is None or self._found[0] != session.version:
            train = session.data[0]
            chosen = train.take(range(min(COMPARED, len(train))))
            model = session.classifier
            self._found = session.version, features(model.network, model.pixels(chosen))
        return self._found[1]
