"""After any signal, the process ends quickly, and each of its files is complete or absent.

To run all tests, a hundred during training on MNIST and a hundred while images are read:
`HANDGRAD_DATA=... python -m pytest -m slow tests/cli/test_interruptions.py`.
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

import numpy as np
import pytest
from PIL import Image

from handgrad.runs import checkpoints, has_checkpoint
from handgrad.train.checkpoint.file import read_checkpoint

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs /proc to see signal handlers"
)

PARTS, EACH = 10, 10
LONGEST = 2.0  # seconds from the signal to the end
BOTH = [signal.SIGINT, signal.SIGTERM]
COMMAND = [sys.executable, "-m", "handgrad"]
MAPPED = """
import handgrad.data.formats.image_cache
handgrad.data.formats.image_cache.MAX_IN_MEMORY = 0  # written one by one, and mapped into memory
from handgrad.cli import main
main()
"""


def begin(command: list[str], words: list[str], log: Path, cache: Path) -> subprocess.Popen[bytes]:
    """Start a command in a new session, and wait until it has installed its handlers.

    /proc shows for which signals a process has handlers. Python itself has one for SIGINT; the one
    for SIGTERM is the last that the command installs.
    """
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*command, *words],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, "HANDGRAD_CACHE": str(cache), "XDG_CACHE_HOME": str(cache)},
            start_new_session=True,
        )
    status = Path(f"/proc/{process.pid}/status")
    while not caught(status.read_text()) >> (signal.SIGTERM - 1) & 1:
        assert process.poll() is None, log.read_text()
        time.sleep(0.0005)
    return process


def caught(status: str) -> int:
    """Return the signals for which a process has handlers, as bits."""
    return int(
        next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16
    )


def end(process: subprocess.Popen[bytes], sent: signal.Signals, log: Path) -> str:
    """Send a signal and check how the process ends; return its messages."""
    assert process.poll() is None, log.read_text()
    at = time.monotonic()
    process.send_signal(sent)
    status = process.wait(timeout=60)
    seconds = time.monotonic() - at
    said = log.read_text()
    assert status == 128 + sent, said
    assert seconds < LONGEST, (seconds, said)
    assert "Traceback" not in said
    assert "ignored" not in said
    while is_there(process.pid):
        assert time.monotonic() - at < LONGEST, "a process is still running"
        time.sleep(0.01)
    print(f"{sent.name} {seconds:.2f} s, {said.splitlines()[-1] if said else 'nothing said'}")
    return said


def is_there(group: int) -> bool:
    """Return whether a process of the session is still running."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def assert_resumable(run: Path, said: str, again: bool = False) -> bool:
    """Check that a run has intact checkpoints and printed a message, or left no files."""
    files = list(checkpoints(run).glob("checkpoint-*"))
    for path in files:
        read_checkpoint(path)
    if not files:
        assert not run.exists()
    elif not again or "resuming" in said:
        assert said.splitlines()[-1] == (
            f"error: interrupted; to resume: handgrad train --resume {run}"
        )
    return bool(files)


def first_checkpoint(new: list[str], place: Path) -> float:
    """Return after how many seconds a run has its first checkpoint; it depends on the load."""
    started = time.monotonic()
    words = [*new, "--engine", "reference", "--out", str(place / "run")]
    process = begin(COMMAND, words, place / "log", place / "cache")
    while not has_checkpoint(place / "run"):
        assert process.poll() is None, (place / "log").read_text()
        time.sleep(0.01)
    process.kill()
    process.wait()
    return time.monotonic() - started


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize("part", range(PARTS))
def test_signal_at_any_moment_of_training(
    part: int, tmp_path: Path, located: Callable[[str], Path]
) -> None:
    rng = random.Random(part)
    folder = located("mnist")
    new = ["train", "mnist", "--model", "convnet", "--data-dir", str(folder), "--no-figures"]
    longest = max(6, 2 * first_checkpoint(new, tmp_path))
    kept = 0
    for number in range(EACH):
        engine = ["--engine", ["compiled", "reference"][number % 2]]
        run, log = tmp_path / f"run-{number}", tmp_path / f"log-{number}"
        # One in ten has no kernels yet, and a second process that compiles them.
        cache = tmp_path / ("empty" if number == 4 else "cache")
        process = begin(COMMAND, [*new, *engine, "--out", str(run)], log, cache)
        if again := number % 5 == 0:  # a resumed run has a checkpoint to lose
            while not has_checkpoint(run):
                time.sleep(0.01)
            process.kill()
            process.wait()
            process = begin(COMMAND, ["train", "--resume", str(run), *engine], log, cache)
        time.sleep(rng.uniform(0, longest))
        kept += assert_resumable(run, end(process, BOTH[number // 2 % 2], log), again)
    assert kept >= EACH // 3


def folder_of_images(place: Path, count: int, side: int) -> Path:
    """Write images of noise, which take a while to read because they cannot be compressed."""
    rng = np.random.default_rng(0)
    for number in range(count):
        folder = place / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(0, 256, (side, side), np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png", compress_level=1)
    return place


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of_images(tmp_path_factory.mktemp("images") / "mine", 400, 300)


@pytest.fixture(scope="module")
def read(images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], float]:
    """Return the cache of an uninterrupted run, and its duration in seconds."""
    place = tmp_path_factory.mktemp("read")
    started = time.monotonic()
    words = ["train", str(images), "--out", str(place / "run"), "--engine", "reference"]
    process = begin(COMMAND, [*words, "--epochs", "1", "--no-figures"], place / "log", place)
    kept = place / "handgrad" / "images"
    while process.poll() is None and len([*kept.glob("*.npy")]) < 2:
        time.sleep(0.01)
    seconds = time.monotonic() - started
    assert process.wait() == 0, (place / "log").read_text()
    return {path.name: path.read_bytes() for path in kept.iterdir()}, seconds


def interrupt_reading(
    number: int, rng: random.Random, images: Path, read: tuple[dict[str, bytes], float], at: Path
) -> int:
    """Interrupt a run while it reads images; return how many of the two files exist."""
    whole, seconds = read
    command = [sys.executable, "-c", MAPPED] if number % 3 == 0 else COMMAND
    log, cache, run = at / f"log-{number}", at / f"cache-{number}", at / f"run-{number}"
    words = ["train", str(images), "--out", str(run), "--engine", "reference"]
    process = begin(command, [*words, "--epochs", "1000", "--patience", "0"], log, cache)
    time.sleep(rng.uniform(0, seconds))
    assert_resumable(run, end(process, BOTH[number % 2], log))
    folder = cache / "handgrad" / "images"
    kept = [*folder.iterdir()] if folder.exists() else []
    for path in kept:
        assert path.read_bytes() == whole[path.name]
    return len(kept)


def test_signal_while_images_are_read(
    images: Path, read: tuple[dict[str, bytes], float], tmp_path: Path
) -> None:
    rng = random.Random(0)
    for number in range(4):
        interrupt_reading(number, rng, images, read, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_signal_at_any_moment_while_images_are_read(
    part: int, images: Path, read: tuple[dict[str, bytes], float], tmp_path: Path
) -> None:
    rng = random.Random(part)
    kept = [interrupt_reading(n, rng, images, read, tmp_path) for n in range(EACH)]
    assert min(kept) == 0  # some were interrupted before the first file was complete
