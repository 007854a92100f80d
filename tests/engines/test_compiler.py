"""Machine code: made once, kept where only its owner can write, and found again."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from handgrad.engines.compiled.compiler import Kernel, addresses

PROGRAM = """
import sys
from handgrad.engines.compiled.compiler import Kernel, addresses
address = addresses([Kernel("chain.copy"), Kernel("dense.forward", (("ROWS", 3),))])
print(len(address), "numba" in sys.modules)
"""


def run(cache: str) -> subprocess.CompletedProcess[str]:
    """Run the program with kernels kept in a folder."""
    environment = {**os.environ, "HANDGRAD_CACHE": cache}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=True)


def test_kernels_are_kept_and_numba_is_not_needed_again(tmp_path: Path) -> None:
    first, second = run(str(tmp_path)), run(str(tmp_path))
    assert first.stdout.split() == ["2", "True"]
    assert first.stderr == "handgrad: compiling 2 kernels for this machine, once ...\n"
    assert second.stdout.split() == ["2", "False"]
    assert second.stderr == ""
    (folder,) = (tmp_path / "kernels").iterdir()
    assert {path.name for path in folder.iterdir()} == {"chain_copy.o", "dense_forward_ROWS3.o"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
def test_where_nothing_can_be_kept_it_warns_once_and_works() -> None:
    done = run("/proc/handgrad")
    assert done.stdout.split() == ["2", "True"]
    assert done.stderr.count("compiled kernels cannot be kept in") == 1


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner here")
def test_a_folder_that_others_can_write_to_is_not_trusted(tmp_path: Path) -> None:
    run(str(tmp_path))
    (folder,) = (tmp_path / "kernels").iterdir()
    folder.chmod(0o777)
    assert "cannot be kept in" in run(str(tmp_path)).stderr


def test_a_kernel_is_the_same_for_all() -> None:
    kernel = Kernel("chain.copy")
    assert kernel.symbol == "chain_copy"
    assert addresses([kernel]) == addresses([kernel])
