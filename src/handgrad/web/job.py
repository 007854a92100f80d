"""A job: something that takes seconds, runs in a thread, and is polled by the page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from handgrad.errors import ConfigError, HandgradError
from handgrad.web.endpoint import without_paths

_log = logging.getLogger("handgrad")

Work = Callable[[Callable[[int, int], None]], Any]


class Job:
    """At most one piece of work at a time, its progress, and its last result.

    Args:
        name: what the job does, for messages, such as "learning".
    """

    def __init__(self, name: str) -> None:
        self._name, self._lock = name, threading.Lock()
        self._state: dict[str, Any] = {"done": 0, "total": 0}
        self._is_running = False

    def start(self, work: Work) -> None:
        """Run a function in a new thread. Its argument reports (done, total).

        Raises:
            ConfigError: if the last one still runs.
        """
        with self._lock:
            if self._is_running:
                raise ConfigError(f"{self._name} still runs; wait until it ends")
            self._is_running = True
            self._state = {"done": 0, "total": 0}
        threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True).start()

    @property
    def state(self) -> dict[str, Any]:
        """JSON data: the progress, and "result" or "error" at the end."""
        with self._lock:
            return {**self._state, "running": self._is_running}

    def _report(self, done: int, total: int) -> None:
        with self._lock:
            self._state |= {"done": done, "total": total}

    def _run(self, work: Work) -> None:
        found: dict[str, Any]
        try:
            found = {"result": work(self._report)}
        except HandgradError as error:
            found = {"error": without_paths(str(error))}
        except Exception:
            _log.exception("handgrad: %s failed", self._name)
            found = {"error": f"{self._name} failed; the terminal shows the reason"}
        with self._lock:
            self._state |= found
            self._is_running = False
