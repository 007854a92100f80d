"""A signal may come at any moment: the process ends at once, and what it has learned is kept.

All of it, on MNIST: `HANDGRAD_DATA=... python -m pytest -m slow tests/cli/test_interruptions.py`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from handgrad.runs import checkpoints, has_checkpoint
from handgrad.training.checkpoint import read_checkpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.mnist,
    pytest.mark.skipif(os.name != "posix", reason="other systems have other signals"),
]

PARTS, EACH = 10, 10
LONGEST = 2.0  # seconds from the signal to the end


def begin(words: list[str], engine: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, and wait until it is about to load the data."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "handgrad", *words, "--engine", engine, "-v"],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    while "engine" not in log.read_text():
        assert process.poll() is None, log.read_text()
        time.sleep(0.005)
    return process


def left(group: int) -> bool:
    """Say whether a process of the session is there still."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_checkpoint(run: Path) -> None:
    while not has_checkpoint(run):
        time.sleep(0.01)


@pytest.mark.parametrize("part", range(PARTS))
def test_at_any_moment(part: int, tmp_path: Path, located: Callable[[str], Path]) -> None:
    rng = random.Random(part)
    folder = located("mnist")
    new = ["train", "mnist", "--model", "convnet", "--folder", str(folder), "--no-figures"]
    for number in range(EACH):
        engine = ["compiled", "reference"][number % 2]
        sent = [signal.SIGINT, signal.SIGTERM][number // 2 % 2]
        decoding = number % 5 == 0
        run, log = tmp_path / f"run-{number}", tmp_path / f"log-{number}"
        process = begin([*new, "--out", str(run)], engine, log)
        if decoding:  # of a run that goes on: there is a checkpoint to be lost
            wait_for_checkpoint(run)
            process.kill()
            process.wait()
            process = begin(["train", "--resume", str(run)], engine, log)
            time.sleep(rng.uniform(0, 0.4))
        else:
            wait_for_checkpoint(run)
            time.sleep(rng.uniform(0, 3))
        assert process.poll() is None, log.read_text()
        at = time.monotonic()
        process.send_signal(sent)
        status = process.wait(timeout=60)
        seconds = time.monotonic() - at
        said = log.read_text()
        # Where SIGINT meets Python inside an exec, as imports have them, Python itself ends by the
        # signal in the end, whoever handled it: -2, which shells call 130 too.
        assert status in (128 + sent, -signal.SIGINT if sent == signal.SIGINT else 143), said
        assert seconds < LONGEST, (number, engine, decoding, seconds, said)
        assert "Traceback" not in said
        assert not left(process.pid)
        files = list(checkpoints(run).glob("checkpoint-*"))
        assert files, said
        steps = [read_checkpoint(path)[0].steps for path in files]
        print(f"{engine} {sent.name} decoding={decoding} {seconds:.2f} s, step {max(steps)}")
        if not decoding:
            assert said.splitlines()[-1] == (
                f"error: interrupted; to go on: handgrad train --resume {run}"
            )
