"""Kernels are compiled once, cached in a private folder, and loaded from it later."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from handgrad.engines.compiled.jit.compiler import Kernel, addresses

PROGRAM = """
import sys
from handgrad.engines.compiled.jit.compiler import Kernel, addresses
address = addresses([Kernel("chain.copy"), Kernel("dense.forward", (("ROWS", 3),))])
print(len(address), "numba" in sys.modules)
"""


def run(cache: str) -> subprocess.CompletedProcess[str]:
    """Run the program with a cache folder."""
    environment = {**os.environ, "HANDGRAD_CACHE": cache}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=True)


def test_cached_kernels_load_without_numba(tmp_path: Path) -> None:
    first, second = run(str(tmp_path)), run(str(tmp_path))
    assert first.stdout.split() == ["2", "True"]
    assert first.stderr == "handgrad: compiling 2 kernels for this machine, once ...\n"
    assert second.stdout.split() == ["2", "False"]
    assert second.stderr == ""
    (folder,) = (tmp_path / "kernels").iterdir()
    assert {path.name for path in folder.iterdir()} == {"chain_copy.o", "dense_forward_ROWS3.o"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_kernel_is_linked_once() -> None:
    kernel = Kernel("chain.copy")
    assert kernel.symbol == "chain_copy"
    assert addresses([kernel]) == addresses([kernel])
