"""Mutate files at random, and measure the time and memory of reading them."""

import pickle
import random
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from handgrad.errors import HandgradError

Files = Sequence[tuple[Path, bytes]]  # the path of a mutated file, and the valid content


class ReadCost(NamedTuple):
    """The cost of reading mutated files.

    Attributes:
        count: the number of files.
        read: the number of files that could be read; the others raised a HandgradError.
        seconds: the longest CPU time for one file.
        traced: the peak memory of Python and NumPy for one file, in bytes.
        grown: the growth of the process in bytes, including the decoders' own memory.
    """

    count: int
    read: int
    seconds: float
    traced: int
    grown: int

    def __str__(self) -> str:
        return (
            f"{self.count:,} files, {self.read:,} read, each in at most {self.seconds * 1e3:.0f} "
            f"ms and {self.traced / 1e6:.1f} MB; the process grew by {self.grown / 1e6:.1f} MB"
        )


def measure_reads(read: Callable[[Path], Any], files: Files, count: int, seed: int) -> ReadCost:
    """Read mutated files twice, because tracing memory would distort the measured time.

    Any exception except a HandgradError is raised, including the one for opening a pickle.
    """
    with no_pickle():
        for path, valid in files:  # imports the modules needed for reading
            path.write_bytes(valid)
            _can_read(read, path)
        before, seconds, good = _resident(), 0.0, 0
        for path in _mutated_files(files, count, seed):
            start = time.process_time()
            good += _can_read(read, path)
            seconds = max(seconds, time.process_time() - start)
        grown, traced = _resident() - before, 0
        tracemalloc.start()
        for path in _mutated_files(files, count, seed):
            tracemalloc.reset_peak()
            _can_read(read, path)
            traced = max(traced, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return ReadCost(count, good, seconds, traced, grown)


@contextmanager
def no_pickle() -> Iterator[None]:
    """Raise an AssertionError if a pickle is opened."""

    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("a pickle was opened")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("load", "loads", "Unpickler"):
            patch.setattr(pickle, name, opened)
        yield


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return content with bytes changed, deleted, duplicated or inserted, or truncated."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(data) + 1) if rng.random() < 0.5 else rng.randrange(64)
        at = min(at, len(data))
        length = rng.choice((1, 1, 2, 4, 50))
        match rng.randrange(6):
            case 0:
                data[at : at + length] = rng.randbytes(length)
            case 1 if data[at:]:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                data[at : at + length] = rng.choice((b"\0", b"\xff", b"\x7f")) * length
            case _:
                del data[rng.randrange(len(data) + 1) :]
    return bytes(data)


def _mutated_files(files: Files, count: int, seed: int) -> Iterator[Path]:
    """Yield mutated files, the same ones for the same seed."""
    rng = random.Random(seed)
    for number in range(count):
        path, valid = files[number % len(files)]
        path.write_bytes(mutated(valid, rng))
        yield path


def _can_read(read: Callable[[Path], Any], path: Path) -> bool:
    """Return whether a file can be read; if not, check that the error has a message."""
    try:
        read(path)
    except HandgradError as error:
        assert str(error)  # noqa: PT017
        return False
    return True


def _resident() -> int:
    """Return the peak memory of this process in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
