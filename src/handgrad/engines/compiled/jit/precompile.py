"""A second process that compiles kernels as well; a thread could not, for Numba is Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handgrad.threads import cores

_WORTH = 8  # kernels: for fewer, the other process would hardly have begun
_PROGRAM = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
from handgrad.engines.compiled.jit import compiler
compiler.ahead(sys.argv[1])
"""  # its input ends when the process that started it does, however that ends


@contextmanager
def second_process(kernels: Sequence[Sequence[Any]]) -> Iterator[None]:
    """Let a second process compile and keep kernels, the last first, while the block runs.

    The block takes what it finds kept, and compiles the rest itself: it needs no second process,
    and where none can be had there is none.

    Args:
        kernels: the name and the tile of each.
    """
    helper = _start(kernels) if len(kernels) >= _WORTH and cores() > 1 and _is_python() else None
    try:
        yield
    finally:
        if helper is not None:
            with helper:
                helper.kill()  # what it has not finished, nobody waits for


def _is_python() -> bool:
    """Say whether the program that runs is Python itself, and not another that has it inside."""
    return Path(sys.executable or "").name.startswith("python") and not hasattr(sys, "frozen")


def _start(kernels: Sequence[Sequence[Any]]) -> subprocess.Popen[bytes] | None:
    """Start the process that calls `compiler.ahead`."""
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
