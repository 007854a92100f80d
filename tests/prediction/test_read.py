import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.prediction import ImageFiles, ImageRows, read
from handgrad.prediction.read import read_batches
from handgrad.preprocess import inverted, plain

SHAPE = (1, 6, 6)


@pytest.fixture(autouse=True)
def no_time_limit(monkeypatch):
    monkeypatch.setattr(read, "SECONDS", 1e9)


@pytest.fixture
def files(tmp_path):
    """Write 50 images of several sizes, of which every seventh is broken."""
    rng, paths = np.random.default_rng(0), []
    for index in range(50):
        paths.append(tmp_path / f"{index:02}.png")
        size = (6 + index % 3, 6, 3)
        Image.fromarray(rng.integers(0, 256, size, np.uint8)).save(paths[-1])
        if index % 7 == 0:
            paths[-1].write_bytes(paths[-1].read_bytes()[:60])
    return ImageFiles(paths, list(range(50)))


def collected(batches):
    """Return the names, labels and errors of all batches, and their images in one array."""
    batches = list(batches)
    lists = [[v for batch in batches for v in getattr(batch, name)] for name in batches[0]._fields]
    return [*lists[:3], np.array(lists[3])]


def test_broken_files_have_an_error_and_no_image(files):
    names, labels, errors, images = collected(read_batches([files], plain(SHAPE)))
    assert names == [str(path) for path in files.paths]
    assert labels == list(range(50))
    assert [index for index, error in enumerate(errors) if error] == [*range(0, 50, 7)]
    assert all(name in error for name, error in zip(names, errors, strict=True) if error)
    assert images.shape == (42, *SHAPE)


@pytest.mark.parametrize("limit", ["MANY_FILES", "MANY_BYTES"])
def test_several_processes_read_the_same_as_one(files, monkeypatch, limit):
    expected = collected(read_batches([files], plain(SHAPE)))
    monkeypatch.setattr(read, limit, 50)
    monkeypatch.setattr(read, "CHUNK", 4)
    monkeypatch.setattr(read, "cores", lambda: 3)
    started = []
    monkeypatch.setattr(read, "_in_this_process", lambda *_: pytest.fail("read in this process"))
    for batch in read_batches([files], plain(SHAPE)):
        started.append(len(multiprocessing.active_children()))
        found = batch
    assert started == [3]
    assert multiprocessing.active_children() == []
    for mine, other in zip(collected([found]), expected, strict=True):
        assert np.array_equal(mine, other)


@pytest.mark.parametrize("batch", [1, 7, 8, 49, 50, 1000])
def test_batches_have_at_most_the_given_size(files, monkeypatch, batch):
    monkeypatch.setattr(read, "BATCH", batch)
    monkeypatch.setattr(read, "CHUNK", min(batch, 3))
    expected = collected(read_batches([files], plain(SHAPE)))
    sizes = [len(found.names) for found in read_batches([files], plain(SHAPE))]
    assert sum(sizes) == 50
    assert max(sizes) <= batch
    assert len(expected[0]) == 50


def test_a_slow_batch_ends_early(files, monkeypatch):
    monkeypatch.setattr(read, "SECONDS", 0.0)
    monkeypatch.setattr(read, "CHUNK", 10)
    assert [len(b.names) for b in read_batches([files], plain(SHAPE))] == [10] * 5


def test_the_processes_end_if_the_command_is_killed(files):
    program = f"""
import multiprocessing, sys
from pathlib import Path
from handgrad.prediction import ImageFiles, read
from handgrad.preprocess import inverted, plain
read.MANY_FILES, read.CHUNK, read.BATCH, read.cores = 2, 1, 1, lambda: 2
if __name__ == "__main__":
    paths = sorted(Path({str(files.paths[0].parent)!r}).glob("*.png"))
    for _ in read.read_batches([ImageFiles(paths, paths)], plain({SHAPE})):
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        sys.stdin.read()
"""
    file = files.paths[0].with_name("program.py")
    file.write_text(program)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, file], **pipes) as process:
        children = [int(pid) for pid in process.stdout.readline().split()]
        assert len(children) == 2
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, children))


def test_a_killed_process_is_reported(files, monkeypatch):
    monkeypatch.setattr(read, "MANY_FILES", 2)
    monkeypatch.setattr(read, "CHUNK", 1)
    monkeypatch.setattr(read, "BATCH", 1)
    monkeypatch.setattr(read, "cores", lambda: 2)
    batches = read_batches([files], plain(SHAPE))
    next(batches)
    for child in multiprocessing.active_children():
        child.kill()
        child.join()
    with pytest.raises(hg.DataError, match=r"the process that read .*\.png and the next files"):
        list(batches)
    assert multiprocessing.active_children() == []


def is_running(pid):
    """Return whether a process exists and is not a zombie."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_arrays_that_fit_are_not_preprocessed():
    X = np.random.default_rng(0).integers(0, 256, (5, *SHAPE), np.uint8)
    rows = ImageRows(X, list("abcde"), [None] * 5)
    (batch,) = read_batches([rows], plain(SHAPE))
    assert np.array_equal(batch.images, X)
    assert batch.errors == [""] * 5
    (batch,) = read_batches([rows], inverted(plain(SHAPE)), rows_too=True)
    assert np.array_equal(batch.images, 255 - X)
