"""Tests with an empty kernel cache, two processes at once, and a read-only cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TRAIN = """
import hashlib
import numpy as np
import handgrad as hg
from handgrad.engines import BatchStream, TrainConfig
from handgrad.engines.compiled import CompiledEngine

X = np.random.default_rng(0).integers(0, 256, (40, 1, 6, 6), np.uint8)
net = hg.Network([hg.Flatten(), hg.Dense()], (1, 6, 6), 3, seed=1)
engine = CompiledEngine(net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.SGD(0.1)))
engine.run(BatchStream(X, np.arange(40) % 3, None, np.arange(40), 20, [0.1, 0.1]))
print(hashlib.sha256(engine.logits(X).tobytes()).hexdigest())
"""

# Root may write anywhere, so it becomes the user nobody after its imports.
READ = """
import os, sys
from pathlib import Path
from handgrad.engines.compiled.jit import object_cache
from handgrad.engines.compiled.jit.compiler import Kernel, addresses

addresses([Kernel("chain.add")])
print("read-only from here", file=sys.stderr, flush=True)
object_cache._folder.cache_clear()
os.environ["HANDGRAD_CACHE"] = sys.argv[1]
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    (Path(sys.argv[1]) / "new").touch()
except OSError:
    print(len(addresses([Kernel("chain.copy"), Kernel("chain.copy", (("OTHER", 1),))])))
"""


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "HANDGRAD_CACHE": str(cache)}


def test_two_cold_processes_at_once_agree_and_share_the_cache(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", TRAIN],
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    (one, one_log), (other, other_log) = (process.communicate(timeout=300) for process in started)
    assert one == other != ""
    for log in (one_log, other_log):
        assert all(line.startswith("handgrad: compiling ") for line in log.splitlines())
    again = subprocess.run(
        [sys.executable, "-c", TRAIN],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (again.stdout, again.stderr) == (one, "")
    (folder,) = (tmp_path / "kernels").iterdir()
    assert {path.suffix for path in folder.iterdir()} == {".o"}


@pytest.fixture
def read_only_cache() -> Iterator[Path]:
    """Return an empty folder that every user can enter; the test removes the write permission."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner on this system")
def test_a_read_only_cache_is_read_and_other_kernels_are_not_cached(
    tmp_path: Path, read_only_cache: Path
) -> None:
    def run(first: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", READ, str(read_only_cache)],
            env=environment(tmp_path / first),  # compiles a kernel there, and so imports Numba
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
        lines = done.stderr.splitlines()
        return lines[lines.index("read-only from here") + 1 :]

    not_cached = "handgrad: compiled kernels cannot be cached in "
    read_only_cache.chmod(0o555)
    warning, compiling = run("cold")
    assert compiling == "handgrad: compiling 2 kernels for this machine, once ..."
    assert warning.startswith(f"{not_cached}{read_only_cache / 'kernels'}/")
    assert "(Permission denied); each process compiles them again" in warning

    program = "from handgrad.engines.compiled.jit.compiler import Kernel, addresses; "
    program += "addresses([Kernel('chain.copy')])"
    read_only_cache.chmod(0o755)
    command = [sys.executable, "-c", program]
    subprocess.run(command, env=environment(read_only_cache), capture_output=True, check=True)
    for path in sorted(read_only_cache.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    read_only_cache.chmod(0o555)
    compiling, warning = run("warm")
    assert compiling == "handgrad: compiling 1 kernel for this machine, once ..."
    assert warning.startswith(f"{not_cached}{read_only_cache / 'kernels'}/")
