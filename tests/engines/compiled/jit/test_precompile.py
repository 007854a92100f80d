"""The second compiler process starts with the last kernel, and nothing waits for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handgrad.engines.compiled.jit import precompile
from handgrad.engines.compiled.jit.precompile import second_compiler_process

KERNELS = [(f"activation.{name}", ()) for name in ("relu", "sigmoid", "tanh", "silu")] * 2
PROGRAM = """
import sys, time
from handgrad.engines.compiled.jit import compiler, object_cache, precompile
from handgrad.engines.compiled.jit.cache_key import cache_key
precompile.cores = lambda: 2
kernels = [compiler.Kernel("chain.copy"), compiler.Kernel("dense.forward", (("ROWS", 3),))] * 4
with precompile.second_compiler_process(kernels):
    started = time.monotonic()
    while object_cache.read(cache_key(), "dense_forward_ROWS3") is None:
        assert time.monotonic() < started + 100, "the kernel is not in the cache"
        time.sleep(0.01)
assert "numba" not in sys.modules  # the second process compiled it
compiler.addresses(kernels)
"""


def test_the_last_kernel_is_compiled_first(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "HANDGRAD_CACHE": str(tmp_path)},
        check=True,
    )
    (folder,) = (tmp_path / "kernels").iterdir()
    assert {path.name for path in folder.iterdir()} == {"chain_copy.o", "dense_forward_ROWS3.o"}


def test_the_process_is_killed_when_the_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = []

    def start(_: object) -> subprocess.Popen[bytes]:
        processes.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]))
        return processes[0]

    monkeypatch.setattr(precompile, "cores", lambda: 2)
    monkeypatch.setattr(precompile, "_start", start)
    with second_compiler_process(KERNELS):
        assert processes[0].poll() is None
    assert processes[0].returncode != 0


@pytest.mark.parametrize(
    ("cores", "executable", "count"),
    [(1, sys.executable, 8), (2, sys.executable, 7), (2, "/usr/bin/uwsgi", 8), (2, "", 8)],
)
def test_the_process_is_not_started_if_it_cannot_help(
    monkeypatch: pytest.MonkeyPatch, cores: int, executable: str, count: int
) -> None:
    def start(_: object) -> None:
        raise AssertionError("the process was started")

    monkeypatch.setattr(precompile, "cores", lambda: cores)
    monkeypatch.setattr(precompile, "_start", start)
    monkeypatch.setattr(sys, "executable", executable)
    with second_compiler_process(KERNELS[:count]):
        pass


def test_the_block_runs_if_the_process_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precompile, "cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", "/nowhere/python3")
    with second_compiler_process(KERNELS):
        done = True
    assert done
