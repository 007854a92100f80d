"""Runs each competitor in its own process, so that competitors do not slow each other down."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.peers import Competitor
from benchmarks.tasks import Task, Workload

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "CPU_COUNT",
)


class Skipped(Exception):  # noqa: N818
    """Raised if a competitor cannot run; the message gives the reason."""


class Worker:
    """A process that runs one competitor and sleeps between its measurements.

    Args:
        competitor: the competitor.
        task: the network to train.

    Raises:
        Skipped: if a package is missing or the competitor does not support the task.
    """

    def __init__(self, competitor: Competitor, task: Task) -> None:
        context = get_context("spawn")
        self.connection, child_end = context.Pipe()
        self.process = context.Process(
            target=serve, args=(competitor, task, child_end), daemon=True
        )
        self.process.start()
        child_end.close()
        self._receive()

    def call(self, function: Callable[[Any, Workload, int], Any], number: int) -> Any:
        """Call ``function(peer, work, number)`` in the process, and return the result.

        Raises:
            Skipped: if the call fails.
        """
        self.connection.send((function, number))
        return self._receive()

    def close(self) -> None:
        """Stop the competitor's process."""
        self.connection.close()
        self.process.join(10)
        self.process.kill()

    def _receive(self) -> Any:
        try:
            answer = self.connection.recv()
        except EOFError:
            self.process.join()
            raise Skipped(
                f"the process of the competitor exited with code {self.process.exitcode}"
            ) from None
        if isinstance(answer, Skipped):
            self.close()
            raise answer
        return answer


def serve(competitor: Competitor, task: Task, connection: Connection) -> None:
    """Create a competitor, and run functions sent by the parent process until it disconnects."""
    try:
        work = Workload(task)
        peer = load(competitor.where)(work, *competitor.arguments)
        connection.send("ready")
        while True:
            function, number = connection.recv()
            connection.send(function(peer, work, number))
    except EOFError:
        pass
    except Exception as error:  # the other competitors continue
        connection.send(Skipped(f"{type(error).__name__}: {error}".splitlines()[0]))


def load(where: str) -> Any:
    """Return the object named by "module:name"."""
    module, name = where.split(":")
    return getattr(importlib.import_module(module), name)


def limit_threads(threads: int) -> None:
    """Limit this process and its child processes to a number of cores and threads."""
    for setting in THREAD_SETTINGS:
        os.environ[setting] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
