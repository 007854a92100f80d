"""ProcessJob: the server's side of a process that trains, and Slot, a place for one of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from handgrad.errors import ConfigError
from handgrad.web.training.lines import Json

STOP_SECONDS = 1.2  # `handgrad open` ends within two seconds
LOOK_SECONDS = 1.0  # between two messages that someone watches
LISTED = ("point", "epoch", "note")  # all events of these kinds are kept, of others the last
OVER = ("finished", "failed", "stopped")


class ProcessJob:
    """A process that trains, and the events that it sent.

    Each event has a number, so that the page can ask for those that it does not know yet.

    Args:
        module: the module that the process runs, such as ``handgrad.web.training.child``.
        first: the first command.
        number: the number of the job, so that the page notices a new one.
    """

    def __init__(self, module: str, first: Json, number: int = 1) -> None:
        self.number = number
        self._lock, self._count = threading.Lock(), 0
        self._sending = threading.Lock()
        self._listed: dict[str, list[tuple[int, Json]]] = {kind: [] for kind in LISTED}
        self._latest: dict[str, tuple[int, Json]] = {}
        self._last_look = -float("inf")
        self._add({"kind": "phase", "phase": "starting"})
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # Ctrl-C in the terminal would reach the process twice: directly, and by `close`.
            start_new_session=os.name == "posix",
        )
        self.send(first)
        self._reader = threading.Thread(target=self._read, name="training events", daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def send(self, command: Json) -> None:
        """Send a command to the process. If it has ended, nothing happens."""
        assert self._process.stdin is not None
        with self._sending, suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()

    def look(self) -> None:
        """Tell the process that someone watches, so that it measures what the page shows."""
        now = time.monotonic()
        if now - self._last_look >= LOOK_SECONDS and self.is_running:
            self._last_look = now
            self.send({"do": "look"})

    def event(self, kind: str) -> Json | None:
        """Return the last event of a kind, or None."""
        with self._lock:
            return self._latest[kind][1] if kind in self._latest else None

    def state(self, since: int = 0) -> dict[str, Any]:
        """Return the events with a higher number: of some kinds a list, of others the last one."""
        with self._lock:
            found: dict[str, Any] = {"number": self._count, "running": self.is_running}
            for kind, events in self._listed.items():
                first = next((k for k in range(len(events), 0, -1) if events[k - 1][0] <= since), 0)
                found[f"{kind}s"] = [event for _, event in events[first:]]
            found |= {kind: event for kind, (n, event) in self._latest.items() if n > since}
            return found

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended and all its events are read; return whether it has."""
        self._reader.join(seconds)
        return not self._reader.is_alive()

    def close(self) -> None:
        """End the process; a run that is not finished can be resumed."""
        process = self._process
        if self.is_running:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        if self.is_running:
            process.kill()
            process.wait()
        self._reader.join(STOP_SECONDS)
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                stream and stream.close()

    def _read(self) -> None:
        """Keep each event; if the process ends without a last word, say so."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._add(json.loads(line))
        self._process.wait()
        last = self.event("phase")
        if last is None or last["phase"] not in OVER:
            self._add({"kind": "phase", "phase": "failed", "text": "the process was killed"})

    def _add(self, event: Json) -> None:
        kind = event.pop("kind")
        with self._lock:
            self._count += 1
            if kind in LISTED:
                self._listed[kind].append((self._count, event))
            else:
                self._latest[kind] = (self._count, event)


class Slot:
    """A place for one job at a time.

    Args:
        what: the name of its work, such as "a training run".
    """

    def __init__(self, what: str) -> None:
        self._what, self._lock = what, threading.Lock()
        self.job: ProcessJob | None = None

    def start(self, module: str, first: Json) -> ProcessJob:
        """Start a job.

        Raises:
            ConfigError: if another job runs.
        """
        with self._lock:
            if self.job is not None and self.job.is_running:
                raise ConfigError(f"{self._what} is in progress; stop it before you start another")
            if self.job is not None:
                self.job.close()
            number = 1 if self.job is None else self.job.number + 1
            self.job = ProcessJob(module, first, number)
            return self.job

    def running(self) -> ProcessJob:
        """Return the job that runs.

        Raises:
            ConfigError: if none runs.
        """
        if self.job is None or not self.job.is_running:
            raise ConfigError(f"{self._what} must be in progress for this; start one")
        return self.job

    def close(self) -> None:
        """End the job, if one runs."""
        with self._lock:
            if self.job is not None:
                self.job.close()
