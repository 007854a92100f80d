"""Reads and preprocesses the images to classify, in several processes if there are many files."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.resource_tracker import ensure_running
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label
from handgrad.data.formats.decode import decode, without_warnings
from handgrad.errors import DataError
from handgrad.posix import interrupt_blocked
from handgrad.prediction.sources import ImageFiles, ImageRows, Source
from handgrad.preprocess import Preprocessing
from handgrad.threads import cores

BATCH = 2048  # images in a batch, at most
SECONDS = 5.0  # after this time a batch of image files ends
MANY_FILES, MANY_BYTES = 2000, 1 << 26  # from here on, starting processes takes less than it saves
CHUNK = 64  # files that a process reads at a time


class Batch(NamedTuple):
    """Some of the images to classify.

    Attributes:
        names: the name of each image in the results.
        labels: the known label of each image, or None where it is unknown.
        errors: why each image cannot be read; empty if it can.
        images: the images that can be read, (n, C, H, W), as inputs of the network.
        problems: for each of these images, what the preprocessing found, such as "nothing drawn";
            empty if there is no problem.
    """

    names: Sequence[str]
    labels: Sequence[Label | None]
    errors: Sequence[str]
    images: NDArray[Any]
    problems: Sequence[str]


class _Chunk(NamedTuple):
    """The images of a few files.

    Attributes:
        images: the images that can be read, (n, C, H, W).
        problems: what the preprocessing found in each of these images; empty if nothing.
        errors: why each file cannot be read; empty if it can.
    """

    images: NDArray[np.uint8]
    problems: list[str]
    errors: list[str]


def read_batches(
    sources: Sequence[Source], preprocessing: Preprocessing, *, rows_too: bool = False
) -> Iterator[Batch]:
    """Read and preprocess images in batches.

    Args:
        sources: the images.
        preprocessing: how to preprocess each image file.
        rows_too: whether to preprocess all images of arrays. If not, only those are preprocessed
            that are raw.

    Raises:
        DataError: if `rows_too` is set and the images of an array are not uint8.
    """
    for source in sources:
        if isinstance(source, ImageFiles):
            yield from _file_batches(source, preprocessing)
        else:
            yield from _row_batches(source, preprocessing, rows_too)


def _row_batches(
    source: ImageRows, preprocessing: Preprocessing, rows_too: bool
) -> Iterator[Batch]:
    images = source.images
    if rows_too and images.dtype != np.uint8:
        raise DataError(
            f"arrays of {images.dtype} cannot be preprocessed like image files; save them as uint8 "
            "with values 0 to 255"
        )
    prepare = rows_too or source.are_raw
    for at in range(0, len(images), BATCH):
        part = slice(at, at + BATCH)
        X = images[part]
        problems = [""] * len(X)
        if prepare:
            checked = [preprocessing.check(image.transpose(1, 2, 0)) for image in X]
            X = np.stack([image for image, _ in checked])
            problems = [problem or "" for _, problem in checked]
        yield Batch(source.names[part], source.labels[part], [""] * len(X), X, problems)


def _file_batches(source: ImageFiles, preprocessing: Preprocessing) -> Iterator[Batch]:
    """Yield batches of at most `BATCH` images, each of which takes about `SECONDS` at most."""
    paths = list(source.paths)
    workers = min(cores(), -(-len(paths) // CHUNK)) if _are_many(paths) else 1
    chunks = [paths[at : at + CHUNK] for at in range(0, len(paths), CHUNK)]
    read = _in_processes(chunks, preprocessing, workers) if workers > 1 else None
    ready: list[_Chunk] = []
    begin, end, start = 0, 0, time.monotonic()
    for chunk in read or _in_this_process(chunks, preprocessing):
        ready.append(chunk)
        end += len(chunk.errors)
        if end - begin + CHUNK > BATCH or time.monotonic() - start > SECONDS or end == len(paths):
            part = slice(begin, end)
            yield Batch(
                [str(path) for path in paths[part]],
                source.labels[part],
                [error for chunk in ready for error in chunk.errors],
                np.concatenate([chunk.images for chunk in ready]),
                [problem for chunk in ready for problem in chunk.problems],
            )
            ready, begin, start = [], end, time.monotonic()


def _are_many(paths: Sequence[Path]) -> bool:
    """Return whether the files are so many, or so large, that several processes are faster."""
    if len(paths) >= MANY_FILES:
        return True
    sizes = 0
    for path in paths:
        with suppress(OSError):  # `_read` reports it
            sizes += path.stat().st_size
    return sizes >= MANY_BYTES


def _in_this_process(
    chunks: Sequence[list[Path]], preprocessing: Preprocessing
) -> Iterator[_Chunk]:
    for chunk in chunks:
        yield _read(chunk, preprocessing)


def _in_processes(
    chunks: Sequence[list[Path]], preprocessing: Preprocessing, count: int
) -> Iterator[_Chunk]:
    """Yield the chunks in order; process number k reads the chunks k, k + count, ..."""
    with _started(preprocessing, count) as connections:
        for connection, chunk in zip(connections, chunks, strict=False):
            connection.send(chunk)
        for number in range(len(chunks)):
            connection = connections[number % count]
            try:
                result = connection.recv()
                if number + count < len(chunks):  # its next chunk, before the result is used
                    connection.send(chunks[number + count])
            except (EOFError, OSError):
                raise DataError(
                    f"the process that read {chunks[number][0]} and the next files was killed, "
                    "perhaps because there was not enough memory; leave out very large images"
                ) from None
            yield result


@contextmanager
def _started(preprocessing: Preprocessing, count: int) -> Iterator[list[Connection]]:
    """Start processes that read image files, and stop them at the end of the `with` block."""
    context = multiprocessing.get_context("spawn")  # a fork could copy a lock that is held
    processes, connections = [], []
    try:
        ensure_running()  # it would unblock Ctrl-C
        for _ in range(count):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, preprocessing), daemon=True)
            with interrupt_blocked():  # Ctrl-C goes to all processes of a command
                process.start()
            there.close()  # so that the process ends if this one is killed
            processes.append(process)
            connections.append(here)
        yield connections
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _work(connection: Connection, preprocessing: Preprocessing) -> None:
    """Read the chunks that arrive on a connection, and send back the results."""
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            connection.send(_read(connection.recv(), preprocessing))


def _read(paths: Sequence[Path], preprocessing: Preprocessing) -> _Chunk:
    """Read and preprocess image files."""
    images = [np.zeros((0, *preprocessing.shape), np.uint8)]
    problems: list[str] = []
    errors: list[str] = []
    with without_warnings():
        for path in paths:
            try:
                image, problem = preprocessing.check(decode(path))
            except DataError as error:
                errors.append(str(error))
            else:
                images.append(image[None])
                problems.append(problem or "")
                errors.append("")
    return _Chunk(np.concatenate(images), problems, errors)
