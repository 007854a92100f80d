"""A long training run uses no more memory, file handles and threads than a short one."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

MEGABYTE = 1 << 20
PAGE = 4096


class Load(NamedTuple):
    """The resident memory, open files and threads of a process after an epoch."""

    memory: int
    handles: int
    threads: int


def loads(folder: Path, *words: str) -> list[Load]:
    """Train with the command; return its resources after each epoch."""
    command = [sys.executable, "-m", "handgrad", "train", "--patience", "0", "--no-figures", *words]
    found = []
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=folder, **streams) as process:
        own = Path(f"/proc/{process.pid}")
        for line in process.stderr:
            if line.startswith("epoch "):
                resident = int((own / "statm").read_text().split()[1]) * PAGE
                counts = (len(list((own / kind).iterdir())) for kind in ("fd", "task"))
                found.append(Load(resident, *counts))
    assert process.returncode == 0
    return found


def assert_steady(found: list[Load], epochs: int) -> None:
    """Compare later epochs with the tenth, except the last two, when the run may be ending."""
    assert len(found) == epochs
    later = found[10:-2]
    growth = (max(load.memory for load in later) - found[9].memory) / len(later)
    assert growth < 0.1 * MEGABYTE
    handles = [load.handles for load in later]
    half = len(handles) // 2
    assert min(handles[:half]) == min(handles[half:])
    assert max(handles) <= min(handles) + 1  # a checkpoint may be open
    assert max(load.threads for load in later) <= max(load.threads for load in found[:10])


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc here")


@needs_proc
def test_training_does_not_leak(tmp_path: Path) -> None:
    assert_steady(loads(tmp_path, "--model", "softmax-regression", "--epochs", "60"), 60)


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "engine"),
    [("smallnet", "compiled"), ("two-layer", "reference"), ("two-layer", "torch --device cpu")],
)
def test_200_epochs_do_not_leak(model: str, engine: str, tmp_path: Path) -> None:
    words = ["--model", model, "--epochs", "200", "--engine", *engine.split()]
    assert_steady(loads(tmp_path, *words), 200)
