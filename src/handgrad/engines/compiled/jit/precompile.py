"""Compiles kernels in a second process in parallel, because Numba holds the GIL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handgrad.engines.compiled.ablation import is_enabled
from handgrad.threads import cores

_MIN_KERNELS = 8  # for fewer kernels, the second process starts too late to help

# The process ends when its standard input closes, which happens however its parent ends.
_PROGRAM = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
from handgrad.engines.compiled.jit import compiler
compiler.precompile(sys.argv[1])
"""


@contextmanager
def second_compiler_process(kernels: Sequence[Sequence[Any]]) -> Iterator[None]:
    """Run a second process that compiles kernels in reverse order during the `with` block.

    The block compiles the kernels in order, so the two processes meet in the middle. The block
    reads finished kernels from the cache and compiles all other kernels itself. Therefore, the
    block works even if the second process cannot be started.

    Args:
        kernels: the name and the tile sizes of each kernel.
    """
    is_useful = len(kernels) >= _MIN_KERNELS and cores() > 1 and _runs_python()
    process = _start(kernels) if is_useful and is_enabled("second-compiler") else None
    try:
        yield
    finally:
        if process is not None:
            with process:
                process.kill()  # the block has everything it needs


def _runs_python() -> bool:
    """Return whether `sys.executable` is Python, and not another program that embeds Python."""
    return Path(sys.executable or "").name.startswith("python") and not hasattr(sys, "frozen")


def _start(kernels: Sequence[Sequence[Any]]) -> subprocess.Popen[bytes] | None:
    """Start the second compiler process, or return None if the system cannot start it."""
    path = os.pathsep.join(filter(None, sys.path))
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, json.dumps(kernels)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
