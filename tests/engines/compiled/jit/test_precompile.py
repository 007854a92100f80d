"""The second process compiles from the other end, and is not waited for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handgrad.engines.compiled.jit import precompile as second
from handgrad.engines.compiled.jit.precompile import second_process

KERNELS = [(f"activation.{name}", ()) for name in ("relu", "sigmoid", "tanh", "silu")] * 2
PROGRAM = """
import sys, time
from handgrad.engines.compiled.jit import compiler
from handgrad.engines.compiled.jit import object_cache as kept
from handgrad.engines.compiled.jit import precompile as second
second.cores = lambda: 2
kernels = [compiler.Kernel("chain.copy"), compiler.Kernel("dense.forward", (("ROWS", 3),))] * 4
with second.second_process(kernels):
    begun = time.monotonic()
    while kept.read(compiler._digest(), "dense_forward_ROWS3") is None:
        assert time.monotonic() < begun + 100, "it has not come"
        time.sleep(0.01)
assert "numba" not in sys.modules  # it was the other that compiled
compiler.addresses(kernels)
"""


def test_it_keeps_the_last_kernel_first(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "HANDGRAD_CACHE": str(tmp_path)},
        check=True,
    )
    (folder,) = (tmp_path / "kernels").iterdir()
    assert {path.name for path in folder.iterdir()} == {"chain_copy.o", "dense_forward_ROWS3.o"}


def test_it_is_gone_when_the_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = []

    def start(_: object) -> subprocess.Popen[bytes]:
        processes.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]))
        return processes[0]

    monkeypatch.setattr(second, "cores", lambda: 2)
    monkeypatch.setattr(second, "_start", start)
    with second_process(KERNELS):
        assert processes[0].poll() is None
    assert processes[0].returncode != 0


@pytest.mark.parametrize(
    ("cores", "executable", "count"),
    [(1, sys.executable, 8), (2, sys.executable, 7), (2, "/usr/bin/uwsgi", 8), (2, "", 8)],
)
def test_it_is_not_started_where_it_is_of_no_use(
    monkeypatch: pytest.MonkeyPatch, cores: int, executable: str, count: int
) -> None:
    def start(_: object) -> None:
        raise AssertionError("it was started")

    monkeypatch.setattr(second, "cores", lambda: cores)
    monkeypatch.setattr(second, "_start", start)
    monkeypatch.setattr(sys, "executable", executable)
    with second_process(KERNELS[:count]):
        pass


def test_where_it_cannot_be_started_the_block_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", "/nowhere/python3")
    with second_process(KERNELS):
        done = True
    assert done
