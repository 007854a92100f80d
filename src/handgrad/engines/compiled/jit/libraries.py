"""Numba and llvmlite: loaded where something is to be compiled; and why they cannot be used."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

from handgrad.errors import MissingExtraError

# The functions of the C library that machine code may call.
_LIBRARY = ("memset", "memcpy", "memmove", "logf", "pow")

# Numba's settings that say only where and by how many threads code is run, or that none is made.
_HARMLESS = {
    *("NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS", "NUMBA_DEFAULT_NUM_THREADS"),
    *("NUMBA_CACHE_DIR", "NUMBA_CACHE_LOCATOR_CLASSES", "NUMBA_FUNCTION_CACHE_SIZE"),
    *("NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"),
}
_SETTINGS_FILE = Path(".numba_config.yaml")  # in the working folder, where Numba looks for it


class CannotCompileError(MissingExtraError):
    """Nothing can be compiled in this process.

    Attributes:
        trouble: why, without what to do.
    """

    def __init__(self, message: str, *, trouble: str) -> None:
        super().__init__(message)
        self.trouble = trouble

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), trouble=self.trouble), self.args


def numba() -> Any:
    """Return Numba, able to compile.

    Raises:
        CannotCompileError: where it is missing, broken, or told not to.
    """
    found = _loaded("numba")
    if found.config.DISABLE_JIT:
        raise cannot("Numba is told not to compile (NUMBA_DISABLE_JIT)", "set NUMBA_DISABLE_JIT=0")
    return found


@cache
def binding() -> Any:
    """Return llvmlite's binding, ready for this machine.

    Raises:
        CannotCompileError: where it is missing or broken.
    """
    found = _loaded("llvmlite.binding")
    found.initialize_native_target()
    found.initialize_native_asmprinter()
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    for name in _LIBRARY:
        address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        found.add_symbol(name, address)
    return found


def settings() -> list[str]:
    """Return Numba's settings that may change what it compiles; Numba is not loaded for it."""
    chosen = [
        f"{name}={value}"
        for name, value in sorted(os.environ.items())
        if name.startswith("NUMBA_") and name not in _HARMLESS
    ]
    try:
        return [*chosen, _SETTINGS_FILE.read_text(errors="replace")]
    except OSError:
        return chosen


def not_compiled(kernel: str, error: Exception) -> CannotCompileError:
    """Return the error for a kernel that Numba cannot compile."""
    names = [setting.partition("=")[0] for setting in settings() if setting.startswith("NUMBA_")]
    under = f" under {', '.join(names)}" if names else ""
    remedy = f"unset {', '.join(names)}" if names else "install another version of Numba"
    return cannot(f"Numba cannot compile {kernel}{under} ({reason(error)})", remedy)


def cannot(trouble: str, remedy: str) -> CannotCompileError:
    """Return the error for a trouble, with what to do."""
    message = f"the compiled engine cannot work: {trouble}; {remedy}, or take engine='reference'"
    return CannotCompileError(message, trouble=trouble)


def reason(error: Exception) -> str:
    """Return an error's first line, or its name where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(" .:") if lines else type(error).__name__


def _loaded(name: str) -> Any:
    """Return a module of Numba's or llvmlite's."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # a library that does not fit raises anything
        package = name.partition(".")[0]
        if isinstance(error, ModuleNotFoundError) and error.name in (name, package):
            raise CannotCompileError(
                "the compiled engine needs Numba; install it with `pip install numba`, "
                "or take engine='reference'",
                trouble="Numba is not installed",
            ) from error
        raise cannot(
            f"{package} cannot be loaded ({reason(error)})", "install a version that fits"
        ) from error
