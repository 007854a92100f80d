"""Training in processes that are killed where one wants them to be: the harness, not the tests.

`python -m tests.training.killing` reads one job after another from stdin, a line of JSON each, and
runs it in a process of its own: a fork, so that nothing is imported twice. It answers with a line
of JSON each. A job is a command line of handgrad with, if wanted, the number of the event at which
the process kills itself, or the seconds after which it is killed.

Events are what a saver does to the disk (each write, fsync, rename, removal), and each step made.
A write is three: before it, when half of it has arrived, and after it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

EVENTS: list[str] = []


At = int | list[Any] | None


def happens(kind: str, at: At) -> None:
    """Note an event, or die of it."""
    EVENTS.append(kind)
    if at in (len(EVENTS) - 1, [kind, EVENTS.count(kind)]):
        os.kill(os.getpid(), signal.SIGKILL)


def watch(owner: Any, name: str, at: At) -> None:
    """Make events of what comes before and after a call."""
    call = getattr(owner, name)

    @functools.wraps(call)
    def watched(*args: Any, **options: Any) -> Any:
        happens(f"before {name}", at)
        result = call(*args, **options)
        happens(f"after {name}", at)
        return result

    setattr(owner, name, watched)


def watch_all(at: At) -> None:
    """Make events of all that a run does to the disk, and of its steps."""
    from handgrad.training.course import Course

    for name in ("fsync", "replace", "unlink", "mkdir", "rmdir"):
        watch(os, name, at)
    watch(Course, "note", at)
    whole = Path.write_bytes

    def write_bytes(path: Path, content: bytes) -> int:
        happens("before write", at)
        whole(path, content[: len(content) // 2])
        happens("middle of write", at)
        whole(path, content)
        happens("after write", at)
        return len(content)

    Path.write_bytes = write_bytes  # type: ignore[method-assign, assignment]


@contextlib.contextmanager
def in_place(path: Path) -> Iterator[Path]:
    """Be what `replacing` must not be: a saver that writes where others read."""
    yield path


def noisy() -> list[Any]:
    """Return layers that depend on more than their parameters."""
    import handgrad as hg

    return [
        hg.Normalize(),
        hg.Conv2d(6, 3, padding=1),
        hg.BatchNorm(),
        hg.ReLU(),
        hg.MaxPool2d(2),
        hg.Dropout2d(0.1),
        hg.Flatten(),
        hg.Dense(16),
        hg.ReLU(),
        hg.Dropout(0.2),
        hg.Dense(),
    ]


def prepare() -> Callable[..., Any]:
    """Import what the jobs need, and return the command line."""
    import handgrad as hg
    from handgrad import models
    from handgrad.cli.app import app
    from handgrad.training import course, keeper, loop  # noqa: F401

    models.MODELS["noisy"] = noisy
    course.SLICE = 0.0  # a look at clocks and signals after each step
    hg.load("digits")
    return app


def work(job: dict[str, Any], app: Callable[..., Any]) -> NoReturn:
    """Do a job in this process, and end it."""
    if job.get("in_place"):
        from handgrad.training import checkpoint

        checkpoint.replacing = in_place  # type: ignore[attr-defined]
    if job.get("limit"):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], job["limit"]))
    watch_all(job.get("at"))
    output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    status = 1
    try:
        app(job["words"], prog_name="handgrad")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    sys.stdout.flush()
    Path(job["output"] + ".events").write_text(json.dumps(EVENTS))
    os._exit(status)


def run(job: dict[str, Any], app: Callable[..., Any]) -> dict[str, Any]:
    """Return how a job ended."""
    started = time.perf_counter()
    child = os.fork()
    if not child:
        work(job, app)
    if job.get("after") is not None:
        number = job.get("signal", signal.SIGKILL)
        timer = threading.Timer(job["after"], os.kill, (child, number))
        timer.start()
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - started
    if job.get("after") is not None:
        timer.cancel()
        timer.join()
    return {"status": os.waitstatus_to_exitcode(status), "seconds": seconds}


if __name__ == "__main__":
    command_line = prepare()
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), command_line)), flush=True)
