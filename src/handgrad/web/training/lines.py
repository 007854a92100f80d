"""The lines between the page's server and a process that trains: one JSON object per line.

The server writes commands to the process's stdin, and the process writes events to its stdout. If
stdin ends, the server has ended, and the process stops as at Ctrl-C.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from handgrad.errors import HandgradError
from handgrad.signals import end_command, ignore_signals, install_handler
from handgrad.web.endpoint import FAILED, without_paths

Json = dict[str, Any]

WAIT_SECONDS = 0.1  # for a command; a signal does not end a wait on every system


class Events:
    """Writes events as lines.

    Args:
        stream: the stream to write to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def send(self, kind: str, **data: Any) -> None:
        """Write one event, whose `text` names no path. If the stream is closed, it is lost."""
        if "text" in data:
            data["text"] = without_paths(data["text"])
        line = json.dumps({"kind": kind, **data})
        with self._lock, suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()


class Commands:
    """Reads commands in a thread. The command "stop" and the end of the stream raise SIGTERM.

    Args:
        stream: the stream to read from.
    """

    def __init__(self, stream: TextIO) -> None:
        self._queue: queue.SimpleQueue[Json] = queue.SimpleQueue()
        self.last_look = -float("inf")
        self._stream = stream
        threading.Thread(target=self._read, name="commands", daemon=True).start()

    @property
    def is_watched(self) -> bool:
        """Whether a page asked for the state in the last seconds."""
        return time.monotonic() - self.last_look < 3

    def next(self, *, wait: bool) -> Json | None:
        """Return the next command, or None if there is none; with `wait`, after a short time."""
        try:
            return self._queue.get(timeout=WAIT_SECONDS) if wait else self._queue.get_nowait()
        except queue.Empty:
            return None

    def _read(self) -> None:
        for line in self._stream:
            command = json.loads(line)
            if command["do"] == "look":
                self.last_look = time.monotonic()
            elif command["do"] == "stop":
                break
            else:
                self._queue.put(command)
        signal.raise_signal(signal.SIGTERM)


class _Notes(logging.Handler):
    """Sends log messages as events."""

    def __init__(self, events: Events) -> None:
        super().__init__(logging.WARNING)
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        self._events.send("note", text=record.getMessage().removeprefix("handgrad: "))


def run_process(work: Callable[[Json, Commands, Events], None]) -> None:
    """Run a process that trains: read its first command, do the work, and report how it ended.

    Args:
        work: a function of the first command, the further commands, and the events to send.
    """
    install_handler(end_command)
    events = Events(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)  # whatever a library prints is no event
    log = logging.getLogger("handgrad")
    log.addHandler(_Notes(events))
    log.propagate = False
    try:
        first = sys.stdin.readline()
        if first:
            work(json.loads(first), Commands(sys.stdin), events)
    except (KeyboardInterrupt, SystemExit):
        events.send("phase", phase="stopped")
    except HandgradError as error:
        events.send("phase", phase="failed", text=str(error))
    except Exception:
        traceback.print_exc()
        events.send("phase", phase="failed", text=FAILED)
    finally:
        ignore_signals()
