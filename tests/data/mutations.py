"""Files spoilt at random, and what it takes to read them."""

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

Files = Sequence[tuple[Path, bytes]]  # where to put a spoilt one, and the whole


class Toll(NamedTuple):
    """What it took to read spoilt files.

    Attributes:
        count: how many there were.
        read: how many of them could be read; the others gave an error of ours.
        seconds: the processor's time for the one that took longest.
        traced: the most bytes that Python and NumPy held for one.
        grown: by how many bytes the whole process grew, with what decoders take for themselves.
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


def toll(read: Callable[[Path], Any], files: Files, count: int, seed: int) -> Toll:
    """Read spoilt files twice: by the clock, then with memory traced, which takes long itself.

    Any error that is not ours goes through, and so does a pickle that is opened.
    """
    with no_pickle():
        for path, whole in files:  # loads what reading takes
            path.write_bytes(whole)
            _is_read(read, path)
        before, seconds, good = _resident(), 0.0, 0
        for path in _spoilt(files, count, seed):
            began = time.process_time()
            good += _is_read(read, path)
            seconds = max(seconds, time.process_time() - began)
        grown, traced = _resident() - before, 0
        tracemalloc.start()
        for path in _spoilt(files, count, seed):
            tracemalloc.reset_peak()
            _is_read(read, path)
            traced = max(traced, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return Toll(count, good, seconds, traced, grown)


@contextmanager
def no_pickle() -> Iterator[None]:
    """Let nothing be unpickled."""

    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("a pickle was opened")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("load", "loads", "Unpickler"):
            patch.setattr(pickle, name, opened)
        yield


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file with some bytes changed, cut out, doubled or put in, or its end cut off."""
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


def _spoilt(files: Files, count: int, seed: int) -> Iterator[Path]:
    """Yield spoilt files one after another, always the same for the same seed."""
    rng = random.Random(seed)
    for number in range(count):
        path, whole = files[number % len(files)]
        path.write_bytes(mutated(whole, rng))
        yield path


def _is_read(read: Callable[[Path], Any], path: Path) -> bool:
    """Say whether a file can be read; or it gives a sentence."""
    try:
        read(path)
    except HandgradError as error:
        assert str(error)  # noqa: PT017
        return False
    return True


def _resident() -> int:
    """Return the most bytes of memory that this process ever had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
