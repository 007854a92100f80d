"""A harness that trains in processes and kills them at chosen points.

`python -m tests.train.killing` reads one job after another from stdin, a line of JSON each, and
runs it in a forked process, so that nothing is imported twice. It answers each with a line of JSON.
A job is a command line of handgrad and, optionally, the number of the event at which the process
kills itself, or the seconds after which it is killed.

Events are changes of the disk (each write, fsync, rename and removal) and training steps. A write
is three events: before it, after half of it, and after it.
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
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

EVENTS: list[str] = []


class Fates:
    """The events at which the process is killed or the disk becomes full.

    Attributes:
        kill: the number of an event, its kind with its number within the kind, or None for never.
        full: the event after which the disk is full, in the same format.
    """

    kill: int | list[Any] | None = None
    full: int | list[Any] | None = None


def happens(kind: str) -> None:
    """Record an event, and kill the process or limit file sizes if it is the chosen one."""
    EVENTS.append(kind)
    now = len(EVENTS) - 1, [kind, EVENTS.count(kind)]
    if Fates.kill in now:
        os.kill(os.getpid(), signal.SIGKILL)
    if Fates.full in now:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))  # no file may grow beyond 64 bytes


def watch(owner: Any, name: str) -> None:
    """Record events before and after each call of a function."""
    call = getattr(owner, name)

    @functools.wraps(call)
    def watched(*args: Any, **options: Any) -> Any:
        happens(f"before {name}")
        result = call(*args, **options)
        happens(f"after {name}")
        return result

    setattr(owner, name, watched)


def watch_all() -> None:
    """Record the changes of the disk and the steps of a run as events."""
    from handgrad.train.run import TrainingRun

    for name in ("fsync", "replace", "unlink", "mkdir", "rmdir"):
        watch(os, name)
    watch(Path, "write_text")
    watch(TrainingRun, "record")
    whole = Path.write_bytes

    def write_bytes(path: Path, content: bytes) -> int:
        happens("before write")
        whole(path, content[: len(content) // 2])
        happens("middle of write")
        whole(path, content)
        happens("after write")
        return len(content)

    Path.write_bytes = write_bytes  # type: ignore[method-assign, assignment]


@contextlib.contextmanager
def in_place(path: Path) -> Iterator[Path]:
    """Write a file in place, which is not atomic, unlike `replacing`."""
    yield path


def noisy() -> list[Any]:
    """Return layers with random numbers and buffers."""
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


def prepare() -> None:
    """Import what the jobs need."""
    import handgrad as hg
    from handgrad import models
    from handgrad.cli import app
    from handgrad.train import loop  # noqa: F401
    from handgrad.train import run as training_run

    models.MODELS["noisy"] = noisy
    training_run.SLICE_SECONDS = 0.0  # check clock and signals after each step
    hg.load_data("digits")
    assert app


def work(job: dict[str, Any], output: int) -> NoReturn:
    """Run a job in this process, and exit."""
    from handgrad.cli import main

    if job.get("in_place"):
        from handgrad.train.checkpoint import file as checkpoint

        checkpoint.replacing = in_place  # type: ignore[attr-defined]
    Fates.kill, Fates.full = job.get("at"), job.get("full")
    watch_all()
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["handgrad", *job["words"]]
    status = 1
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()  # and never return to the forked code
    print("\n" + json.dumps(EVENTS), flush=True)
    os._exit(status)


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Return how a job ended."""
    if "torch" in job["words"]:
        import handgrad.engines.torch  # noqa: F401
    ours, theirs = os.pipe()
    started = time.perf_counter()
    child = os.fork()
    if not child:
        work(job, theirs)
    os.close(theirs)
    if job.get("after") is not None:
        timer = threading.Timer(job["after"], os.kill, (child, signal.SIGKILL))
        timer.start()
    with os.fdopen(ours, encoding="utf-8") as pipe:
        output, _, events = pipe.read().rstrip().rpartition("\n")
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - started
    if job.get("after") is not None:
        timer.cancel()
        timer.join()
    status = os.waitstatus_to_exitcode(status)
    if status < 0:
        output, events = f"{output}\n{events}", "null"
    return {
        "status": status,
        "seconds": seconds,
        "output": output,
        "events": json.loads(events),
    }


if __name__ == "__main__":
    prepare()
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
