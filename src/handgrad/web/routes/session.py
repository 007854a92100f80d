"""Endpoints that every view uses: the model file, and images with their labels."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from handgrad.errors import HandgradError
from handgrad.web.endpoint import Parameters, endpoint, json_response, packed, without_paths
from handgrad.web.session import Session

MAX_IMAGES = 200  # in one response


class Nothing(Parameters):
    """No parameters."""


class ImageRange(Parameters):
    """Which images to return.

    Attributes:
        split: the training images or the test images.
        start: the index of the first image.
        count: how many images, at most `MAX_IMAGES`.
    """

    split: Literal["train", "test"] = "test"
    start: int = Field(default=0, ge=0)
    count: int = Field(default=16, ge=1, le=MAX_IMAGES)


def routes(session: Session) -> list[BaseRoute]:
    """Return the endpoints that every view uses."""

    def describe(_: Nothing) -> dict[str, Any]:
        return session.describe()

    def images(given: ImageRange) -> dict[str, Any]:
        """Return images as the network takes them, (n, C, H, W), and their labels."""
        data = session.data[given.split == "test"]
        end = min(given.start + given.count, len(data))
        chosen = data.images[given.start : end]
        if session.path is not None:
            chosen = session.classifier.pixels(data.take(range(given.start, end)))
        return {
            "images": packed(chosen),
            "labels": data.labels[given.start : end].tolist(),
            "classes": list(map(str, data.classes)),
            "total": len(data),
        }

    async def model(_: Request) -> Response:
        try:
            content = await run_in_threadpool(session.model_bytes)
        except HandgradError as error:
            return json_response({"error": without_paths(str(error))}, 400)
        return Response(content, media_type="application/octet-stream")

    return [
        endpoint("/api/session", describe, Nothing),
        endpoint("/api/images", images, ImageRange),
        Route("/api/model", model, methods=["GET"]),
    ]
