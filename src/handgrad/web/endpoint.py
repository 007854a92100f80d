"""Endpoints: functions that take checked parameters and return JSON data."""

from __future__ import annotations

import base64
import json
import logging
import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handgrad.errors import DataError, HandgradError

FAILED = "this failed; the terminal of `handgrad open` shows the reason"

_log = logging.getLogger("handgrad")


class Parameters(BaseModel):
    """The parameters of an endpoint. A subclass declares them; others are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


P = TypeVar("P", bound=Parameters)


def endpoint(
    path: str, function: Callable[[P], object], parameters: type[P], method: str = "GET"
) -> Route:
    """Return a route that calls a function in another thread, and answers with its result as JSON.

    The parameters of a GET stand in the query, and those of a POST are a JSON object in the body.
    A `HandgradError` becomes status 400 with one sentence.

    Args:
        path: the path of the endpoint, such as "/api/state".
        function: takes an instance of `parameters`; returns JSON data.
        parameters: declares the parameters.
        method: GET or POST.
    """

    async def answer(request: Request) -> Response:
        try:
            if method == "GET":
                given = parameters.model_validate(dict(request.query_params))
            else:
                given = parameters.model_validate_json(await request.body() or b"{}")
        except ValidationError as error:
            return json_response({"error": _sentence(error)}, 400)
        try:
            return json_response(await run_in_threadpool(function, given))
        except HandgradError as error:
            return json_response({"error": without_paths(str(error))}, 400)
        except Exception:
            _log.exception("handgrad: %s failed", path)
            return json_response({"error": FAILED}, 500)

    return Route(path, answer, methods=[method])


def json_response(data: object, status: int = 200) -> Response:
    """Return a response with JSON data. NaN and infinity become null."""
    try:
        text = json.dumps(data, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(data), allow_nan=False)
    return Response(text, status, media_type="application/json")


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array as JSON data: its shape, its dtype, and its bytes in base64.

    The dtype is uint8, int32, float32 or float64, in little-endian order; `unpack` in the page
    makes a typed array of it.
    """
    if array.dtype not in (np.uint8, np.int32, np.float32, np.float64):
        array = array.astype(np.int32 if array.dtype.kind in "iub" else np.float64)
    data = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {
        "shape": list(array.shape),
        "dtype": array.dtype.name,
        "data": base64.b64encode(data.tobytes()).decode("ascii"),
    }


MAX_LENGTH = 2**31 - 1  # of an axis


class PackedArray(Parameters):
    """An array in the form of `packed`."""

    shape: list[Annotated[int, Field(ge=0, le=MAX_LENGTH)]] = Field(max_length=4)
    dtype: Literal["uint8", "int32", "float32", "float64"]
    data: str

    def array(self) -> NDArray[Any]:
        """Return the array.

        Raises:
            DataError: if the data do not have the given shape, or contain NaN or infinity.
        """
        try:
            raw = base64.b64decode(self.data, validate=True)
            found = np.frombuffer(raw, np.dtype(self.dtype).newbyteorder("<")).reshape(self.shape)
        except ValueError:
            raise DataError("an array does not have the size that it states") from None
        if not np.isfinite(found).all():
            raise DataError("an array contains NaN or infinity")
        return found.astype(self.dtype)


def without_paths(sentence: str) -> str:
    """Return a sentence in which each absolute path is replaced by its last part."""
    return re.sub(r"(?<![\w.])(?:/[^\s/:;,'\"]+)+/([^\s/:;,'\"]+)", r"\1", sentence)


def _sentence(error: ValidationError) -> str:
    """Return the first problem of parameters as one sentence."""
    first = error.errors(include_url=False, include_context=False)[0]
    name = ".".join(map(str, first["loc"])) or "the request"
    return f"{name}: {first['msg'].removeprefix('Value error, ')}"


def _finite(data: Any) -> Any:
    """Return JSON data with null in place of NaN and infinity."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data
