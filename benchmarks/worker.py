"""A contestant in a process of its own, so that no framework's threads disturb another's."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.peers import Contestant
from benchmarks.tasks import Task, Work

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "CPU_COUNT",
)


class Skipped(Exception):  # noqa: N818
    """A contestant that cannot take part; the message says why."""


class Worker:
    """A process that holds one contestant with its data, and sleeps between its rounds.

    Args:
        contestant: who.
        task: what it is to train.

    Raises:
        Skipped: where the contestant's packages are missing, or it cannot take the task.
    """

    def __init__(self, contestant: Contestant, task: Task) -> None:
        context = get_context("spawn")
        self.connection, far_end = context.Pipe()
        self.process = context.Process(target=serve, args=(contestant, task, far_end), daemon=True)
        self.process.start()
        far_end.close()
        self._receive()

    def ask(self, function: Callable[[Any, Work, int], Any], number: int) -> Any:
        """Return what ``function(peer, work, number)`` gives in the process.

        Raises:
            Skipped: where it fails there.
        """
        self.connection.send((function, number))
        return self._receive()

    def close(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.join(10)
        self.process.kill()

    def _receive(self) -> Any:
        try:
            answer = self.connection.recv()
        except EOFError:
            self.process.join()
            raise Skipped(f"its process ended with code {self.process.exitcode}") from None
        if isinstance(answer, Skipped):
            self.close()
            raise answer
        return answer


def serve(contestant: Contestant, task: Task, connection: Connection) -> None:
    """Build a contestant, then do what it is asked, until nobody asks any more."""
    try:
        work = Work(task)
        peer = load(contestant.where)(work, *contestant.arguments)
        connection.send("ready")
        while True:
            function, number = connection.recv()
            connection.send(function(peer, work, number))
    except EOFError:
        pass
    except Exception as error:  # whatever it was, the others go on
        connection.send(Skipped(f"{type(error).__name__}: {error}".splitlines()[0]))


def load(where: str) -> Any:
    """Return what stands at "module:name"."""
    module, name = where.split(":")
    return getattr(importlib.import_module(module), name)


def limit_threads(threads: int) -> None:
    """Give this process, and all that it starts, so many cores and so many threads."""
    for setting in THREAD_SETTINGS:
        os.environ[setting] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
