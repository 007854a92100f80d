"""The scale benchmark: training speed for small and large data sets, in memory or in a file."""

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
from benchmarks.peers import Competitor
from benchmarks.record import Figures, Record
from benchmarks.rounds import interleave, log
from benchmarks.tasks import Task, Workload
from benchmarks.train import workers

SIZES = 10_000, 60_000, 600_000
BASELINE = "60,000"
ROUND = 600_000  # images in a round, for every size


def measure(
    task: Task,
    gigabytes: float,
    rounds: int,
    threads: int,
    sizes: tuple[int, ...] = SIZES,
    images: int = ROUND,
) -> Record:
    """Train on data sets of several sizes in interleaved rounds, and return the record.

    Args:
        task: the network with its batch size and optimizer.
        gigabytes: the size of the memory-mapped file.
        rounds: the number of measured rounds, not counting the warm-up.
        threads: the number of cores.
        sizes: the number of images in each data set that is kept in memory.
        images: the number of training images per round for the data sets in memory.
    """
    setup = {
        "network": task.network,
        "data": task.data,
        "batch": task.batch,
        "threads": threads,
        "gigabytes in the file": gigabytes,
    }
    record = Record("scale", task.label, setup, {"images_per_second": "high"})
    with file_of_images(task, gigabytes) as (path, count):
        cases = {
            **{f"{n:,}": _case(f"{n:,} images", "InMemory", n, images) for n in sizes},
            "file": _case(f"{count:,} images in a mapped file", "InFile", path),
        }
        with workers(cases, task, record) as found:
            measurements = {name: partial(worker.call, one_round) for name, worker in found.items()}
            record.skipped |= interleave(measurements, record.series, rounds)
    record.baseline = BASELINE if BASELINE in record.of_role("case") else None
    return record


def _case(title: str, kind: str, *arguments: object) -> Competitor:
    return Competitor(title, "case", f"benchmarks.scale:{kind}", tuple(map(str, arguments)))


class InMemory:
    """A data set in memory; a round has as many epochs as fit into the given number of images."""

    def __init__(self, work: Workload, size: str, images: str) -> None:
        self.work = work
        self.data = repeated(work, int(size))
        self.epochs = max(1, int(images) // int(size))

    def train(self) -> tuple[int, float]:
        """Train for one round, and return the number of images and the time in seconds."""
        return fit(self.work, self.data, self.epochs)


class InFile:
    """A memory-mapped file; a round is one epoch, and starts with an empty page cache."""

    def __init__(self, work: Workload, path: str) -> None:
        self.work, self.path = work, Path(path)

    def train(self) -> tuple[int, float]:
        """Train for one round, and return the number of images and the time in seconds."""
        drop_page_cache(self.path)
        images = np.load(self.path, mmap_mode="r")
        labels = np.resize(self.work.labels, len(images))
        return fit(self.work, hg.Dataset(images, labels, range(self.work.net.classes)), 1)


def one_round(case: InMemory | InFile, _: Workload, __: int) -> Figures:
    """Train for one round, and return the time and the speed."""
    count, seconds = case.train()
    return {
        "seconds": seconds,
        "images_per_second": count / seconds,
        "nanoseconds": seconds / count * 1e9,
    }


def fit(work: Workload, data: hg.Dataset, epochs: int) -> tuple[int, float]:
    """Train a new network with `hg.fit`; return the number of images and the seconds."""
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


def repeated(work: Workload, count: int) -> hg.Dataset:
    """Return a data set of `count` images by repeating the images of the task."""
    images = np.resize(work.images, (count, *work.images.shape[1:]))
    return hg.Dataset(images, np.resize(work.labels, count), range(work.net.classes))


@contextmanager
def file_of_images(task: Task, gigabytes: float) -> Iterator[tuple[Path, int]]:
    """Write a temporary file of images to the folder TMPDIR.

    Yields:
        The path of the file and the number of images in it.
    """
    images = Workload(task).images
    count = max(1, int(gigabytes * 1e9 / images[0].nbytes))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        log(f"writing {count:,} images to {path}")
        shape = (count, *images.shape[1:])
        file = np.lib.format.open_memmap(path, "w+", images.dtype, shape)
        for at in range(0, count, len(images)):
            file[at : at + len(images)] = images[: count - at]
        file.flush()
        del file
        yield path, count


def drop_page_cache(path: Path) -> None:
    """Remove a file from the system's page cache, if the system supports this."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
