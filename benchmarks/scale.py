"""Scale: the time for an image, whether there are few or many, in memory or in a file."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

import handgrad as hg
from benchmarks.peers import Contestant
from benchmarks.record import Figures, Record
from benchmarks.rounds import interleave, tell
from benchmarks.tasks import Task, Work
from benchmarks.train import workers

SIZES = 10_000, 60_000, 600_000
USUAL = "60,000"  # what the others are compared with
ROUND = 600_000  # images a round, whatever the size


def measure(
    task: Task,
    gigabytes: float,
    rounds: int,
    threads: int,
    sizes: tuple[int, ...] = SIZES,
    images: int = ROUND,
) -> Record:
    """Train on data of several sizes in turns, and return the record.

    Args:
        task: the network with its batch and its optimizer.
        gigabytes: how large the mapped file is.
        rounds: how many rounds count.
        threads: how many cores there are.
        sizes: how many images lie in memory.
        images: how many images in memory make a round.
    """
    subject = {
        "network": task.network,
        "data": task.data,
        "batch": task.batch,
        "threads": threads,
        "gigabytes in the file": gigabytes,
    }
    record = Record("scale", task.label, subject, {"images_per_second": "high"})
    with file_of_images(task, gigabytes) as (path, count):
        cases = {
            **{f"{n:,}": _case(f"{n:,} images", "InMemory", n, images) for n in sizes},
            "file": _case(f"{count:,} images in a mapped file", "InFile", path),
        }
        with workers(cases, task, record) as found:
            plays = {name: partial(worker.ask, one_round) for name, worker in found.items()}
            record.skipped |= interleave(plays, record.series, rounds)
    record.yardstick = USUAL if USUAL in record.of_role("case") else None
    return record


def _case(title: str, kind: str, *arguments: object) -> Contestant:
    return Contestant(title, "case", f"benchmarks.scale:{kind}", tuple(map(str, arguments)))


class InMemory:
    """So many images in memory; a round is as many epochs as make up its images."""

    def __init__(self, work: Work, size: str, images: str) -> None:
        self.work = work
        self.data = repeated(work, int(size))
        self.epochs = max(1, int(images) // int(size))

    def train(self) -> tuple[int, float]:
        """Train for a round, and return for how many images, and for how many seconds."""
        return fit(self.work, self.data, self.epochs)


class InFile:
    """All images of a mapped file; a round is one epoch, of which nothing is in memory yet."""

    def __init__(self, work: Work, path: str) -> None:
        self.work, self.path = work, Path(path)

    def train(self) -> tuple[int, float]:
        """Train for a round, and return for how many images, and for how many seconds."""
        forget(self.path)
        images = np.load(self.path, mmap_mode="r")
        labels = np.resize(self.work.labels, len(images))
        return fit(self.work, hg.Dataset(images, labels, range(self.work.net.classes)), 1)


def one_round(case: InMemory | InFile, _: Work, __: int) -> Figures:
    """Train for a round, and return how fast it was."""
    count, seconds = case.train()
    return {
        "seconds": seconds,
        "images_per_second": count / seconds,
        "nanoseconds": seconds / count * 1e9,
    }


def fit(work: Work, data: hg.Dataset, epochs: int) -> tuple[int, float]:
    """Train a fresh network as a user does, and return how many images, and the seconds."""
    net = hg.Network(hg.models.named(work.task.network), data.shape, len(data.classes), seed=0)
    net.restore(work.net.arrays, is_fitted=True)
    started = time.perf_counter()
    hg.fit(
        net,
        data,
        validation=None,
        epochs=epochs,
        batch_size=work.task.batch,
        optimizer=work.task.optimizer,
        patience=None,
    )
    return epochs * len(data), time.perf_counter() - started


def repeated(work: Work, count: int) -> hg.Dataset:
    """Return so many images in memory: those of the data set, again and again."""
    images = np.resize(work.images, (count, *work.images.shape[1:]))
    return hg.Dataset(images, np.resize(work.labels, count), range(work.net.classes))


@contextmanager
def file_of_images(task: Task, gigabytes: float) -> Iterator[tuple[Path, int]]:
    """Write a file of about so many gigabytes of images, and remove it afterwards.

    Yields:
        Where it lies, in the folder that TMPDIR names, and how many images it holds.
    """
    images = Work(task).images
    count = max(1, int(gigabytes * 1e9 / images[0].nbytes))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        tell(f"writing {count:,} images to {path}")
        shape = (count, *images.shape[1:])
        file = np.lib.format.open_memmap(path, "w+", images.dtype, shape)
        for at in range(0, count, len(images)):
            file[at : at + len(images)] = images[: count - at]
        file.flush()
        del file
        yield path, count


def forget(path: Path) -> None:
    """Have the system forget what it keeps of a file in memory, where it can be asked to."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
