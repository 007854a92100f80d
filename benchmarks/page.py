"""The page benchmark: what a client that polls costs the training, and what it leaves behind."""

from __future__ import annotations

import http.client
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from functools import partial
from http import HTTPStatus
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import page_in_browser
from benchmarks.record import Figures, Record, Series
from benchmarks.rounds import interleave, log
from handgrad.web.guard import TOKEN_HEADER
from handgrad.web.server import LocalServer, make_app
from handgrad.web.session import Session

SETTINGS = {
    "data": "mnist",
    "model": "convnet",
    "epochs": "6",
    "patience": "0",
    "figures": "false",
    "calibrate": "false",
}
POLL_SECONDS = 0.25  # the page's rate
POLLS, WARM_UP_POLLS = 10_000, 500
CASES = {
    "without": "no client",
    "polled": "a client polls 4 times a second",
    "visible": "Chromium shows the page",
}
WAIT_SECONDS = 2.0  # between two questions whether training is over


def training(rounds: int, threads: int, settings: dict[str, str] = SETTINGS) -> Record:
    """Train with and without clients that poll, in interleaved rounds, and return the record."""
    setup = {"network": settings["model"], **settings, "threads": threads}
    record = Record("page", "training", setup, {"images_per_second": "high"})
    clients: dict[str, tuple[Any, ...] | None] = {
        "without": None,
        "polled": (poll, None, POLL_SECONDS),
        "visible": (page_in_browser.show_training,),
    }
    if reason := page_in_browser.missing():
        record.skipped["visible"] = reason
        del clients["visible"]
    record.series |= {name: Series(CASES[name], "case") for name in clients}
    with serving() as server:
        measurements = {
            name: partial(_train, server, settings, client) for name, client in clients.items()
        }
        record.skipped |= interleave(measurements, record.series, rounds)
    record.baseline = "without"
    costs = {
        name: 1 - record.times_better("images_per_second", name, "without")
        for name in clients
        if name != "without" and name not in record.skipped
    }
    setup["cost"] = costs
    for name, cost in costs.items():
        log(f"{CASES[name]}: this costs {cost:.2%} of the time (median over the rounds)")
    return record


def polls(count: int = POLLS, settings: dict[str, str] = SETTINGS) -> Record:
    """Measure the server's memory and file handles before and after many polls.

    The setup also contains the CPU time of the server per poll.
    """
    record = Record("page", "polls", {"polls": count}, {"megabytes": "low", "handles": "low"})
    with serving() as server:
        quick = settings | {"data": "digits", "model": "softmax-regression", "epochs": "2"}
        _train(server, quick, None)
        _poll(server, WARM_UP_POLLS)
        record.series["before"] = Series(f"before {count:,} polls", "case", [footprint()])
        start = time.process_time()
        _poll(server, count)
        record.setup["milliseconds_per_poll"] = 1000 * (time.process_time() - start) / count
        record.series["after"] = Series(f"after {count:,} polls", "case", [footprint()])
    record.baseline = "before"
    return record


@contextmanager
def serving() -> Iterator[LocalServer]:
    """Run a server in this process, in a new folder, during the `with` block."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        session = Session(data="digits")
        server = LocalServer(make_app(session))
        server.start()
        try:
            yield server
        finally:
            session.close()
            server.stop()


def footprint() -> Figures:
    """Return the memory of this process in megabytes, and the number of its open files."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    megabytes = pages * resource.getpagesize() / 2**20
    return {"megabytes": megabytes, "handles": float(len(os.listdir("/proc/self/fd")))}


@contextmanager
def client(url: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """Yield a function that sends requests over one connection, like a browser.

    The function's arguments are the path of the endpoint and, for a POST, the data.

    Args:
        url: the server's address with the token in its fragment.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    token = parts.fragment.removeprefix("token=")
    headers = {TOKEN_HEADER: token, "content-type": "application/json"}

    def request(path: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
        body = None if data is None else json.dumps(data)
        connection.request("GET" if data is None else "POST", path, body, headers)
        answer = connection.getresponse()
        content: dict[str, Any] = json.loads(answer.read())
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{path}: {content}")
        return content

    try:
        yield request
    finally:
        connection.close()


def poll(url: str, count: int | None, seconds: float) -> None:
    """Ask for the state of the training again and again, as the page does.

    Args:
        url: the server's address with the token in its fragment.
        count: how often, or None to continue until the process is ended.
        seconds: the time between two requests.
    """
    job = since = done = 0
    with client(url) as request:
        while count is None or done < count:
            state = request(f"/api/train/state?job={job}&since={since}")
            job, since = state["job"], state["number"]
            done += 1
            time.sleep(seconds)


def _poll(server: LocalServer, count: int) -> None:
    """Let another process poll as fast as it can, and wait for it."""
    process = get_context("spawn").Process(target=poll, args=(server.url, count, 0.0))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("the client failed")


def _train(
    server: LocalServer, settings: dict[str, str], client: tuple[Any, ...] | None, _: int = 0
) -> Figures:
    """Train once, and return the speed between the first and the last report of the training.

    Args:
        server: the server.
        settings: the settings of the run.
        client: a function and its arguments after the address, which another process calls
            meanwhile; or None.
    """
    watcher = None
    if client is not None:
        function, *arguments = client
        watcher = get_context("spawn").Process(target=function, args=(server.url, *arguments))
        watcher.start()
    try:
        _request(server, "/api/train/start", {"settings": settings})
        while (state := _request(server, "/api/train/state?watching=false"))["running"]:
            time.sleep(WAIT_SECONDS)
    finally:
        if watcher is not None:
            watcher.terminate()
            watcher.join()
    if state["phase"]["phase"] != "finished":
        raise RuntimeError(f"training failed: {state['phase']}")
    first, last = state["points"][0], state["points"][-1]
    seconds = last["seconds"] - first["seconds"]
    images = (last["step"] - first["step"]) * state["run"]["settings"]["batch_size"]
    return {"seconds": seconds, "images_per_second": images / seconds}


def _request(server: LocalServer, path: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """Send one request over a connection of its own."""
    with client(server.url) as request:
        return request(path, data)
