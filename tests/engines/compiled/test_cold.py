"""Cold processes: two at once, and one that can only read the folder of kept kernels."""

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

# Root may write anywhere: it becomes nobody, once it has loaded what nobody may not read.
READ = """
import os, sys
from pathlib import Path
from handgrad.engines.compiled.jit import object_cache as kept
from handgrad.engines.compiled.jit.compiler import Kernel, addresses

addresses([Kernel("chain.add")])
print("then", file=sys.stderr, flush=True)
kept._folder.cache_clear()
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


def test_two_cold_processes_at_once_compile_what_both_can_use(tmp_path: Path) -> None:
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
    (one, complaint), (other, another) = (process.communicate(timeout=300) for process in started)
    assert one == other != ""
    for said in (complaint, another):
        assert all(line.startswith("handgrad: compiling ") for line in said.splitlines())
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
def only_read() -> Iterator[Path]:
    """Return an empty folder that everybody can come to; a test lets it only be read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner here")
def test_kernels_that_can_only_be_read_are_read_and_others_are_not_kept(
    tmp_path: Path, only_read: Path
) -> None:
    def run(first: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", READ, str(only_read)],
            env=environment(tmp_path / first),  # where it compiles, and so has loaded Numba
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
        said = done.stderr.splitlines()
        return said[said.index("then") + 1 :]

    unkept = "handgrad: compiled kernels cannot be kept in "
    only_read.chmod(0o555)
    warning, compiling = run("cold")
    assert compiling == "handgrad: compiling 2 kernels for this machine, once ..."
    assert warning.startswith(f"{unkept}{only_read / 'kernels'}/")
    assert "(Permission denied): they are compiled anew in each process" in warning

    program = "from handgrad.engines.compiled.jit.compiler import Kernel, addresses; "
    program += "addresses([Kernel('chain.copy')])"
    only_read.chmod(0o755)
    command = [sys.executable, "-c", program]
    subprocess.run(command, env=environment(only_read), capture_output=True, check=True)
    for path in sorted(only_read.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    only_read.chmod(0o555)
    compiling, warning = run("warm")
    assert compiling == "handgrad: compiling 1 kernel for this machine, once ..."
    assert warning.startswith(f"{unkept}{only_read / 'kernels'}/")
