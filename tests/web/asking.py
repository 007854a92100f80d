"""Requests to the endpoints in the same process, without the guard, and a run to ask about."""

import asyncio
import base64
import json
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from starlette.applications import Starlette

import handgrad as hg
from handgrad.runs import Run, calibrate_on, finish, start_run, write
from handgrad.runs.config import RunConfig
from handgrad.train import evaluate, fit


def finished_run(out: Path, **settings: Any) -> Run:
    """Train a network, write its run into a folder, and return it.

    The engine is the reference engine unless the settings name another one.
    """
    config = RunConfig(**{"figures": False, "engine": "reference"} | settings)
    images, test = config.load_data(progress=False)
    classifier = hg.Classifier(
        config.network(images),
        images.classes,
        preprocessing=images.preprocessing,
        pixel_range=images.pixel_range,
    )
    with start_run(out, "") as folder:
        history = fit(classifier, images, config.train_config(images.classes))
        train, validation = images.split(config.validation, config.seed)
        calibrate_on(classifier, validation, train)
        run = Run(config, classifier, history, images, test, evaluate(classifier, test))
        write(run, folder)
        finish(folder)
    return run


def _run(question: Coroutine[Any, Any, tuple[int, Any]]) -> tuple[int, Any]:
    """Run a coroutine in a thread, because Playwright's event loop may run in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, question).result()


class Asker:
    """Asks the endpoints of an application."""

    def __init__(self, routes: list) -> None:
        self.app = Starlette(routes=routes)

    def get(self, path: str, **parameters: object) -> tuple[int, Any]:
        """Return the status and the JSON data of a GET."""
        return _run(self._ask("GET", path, urlencode(parameters).encode(), b""))

    def post(self, path: str, data: object) -> tuple[int, Any]:
        """Return the status and the JSON data of a POST."""
        return _run(self._ask("POST", path, b"", json.dumps(data).encode()))

    def until_over(self, path: str, **parameters: object) -> Any:
        """Ask until a computation is over, and return its last state."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            status, state = self.get(path, **parameters)
            assert status == 200, state
            if state["is_over"]:
                return state
        raise AssertionError(f"{path} does not end")

    async def _ask(self, method: str, path: str, query: bytes, body: bytes) -> tuple[int, Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "query_string": query}
        await self.app(scope | {"headers": [], "root_path": ""}, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], json.loads(content)


def unpacked(array: dict[str, Any]) -> np.ndarray:
    """Return the array that `packed` wrote."""
    flat = np.frombuffer(base64.b64decode(array["data"]), array["dtype"])
    return flat.reshape(array["shape"])
