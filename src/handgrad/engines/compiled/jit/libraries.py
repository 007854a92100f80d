"""Loads Numba and llvmlite when a kernel must be compiled, or explains why that is impossible."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

from handgrad.errors import MissingExtraError

# The functions of the C library that kernels may call.
_C_FUNCTIONS = ("memset", "memcpy", "memmove", "logf", "pow")

# Settings of Numba that do not change the machine code.
_IRRELEVANT = {
    *("NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS", "NUMBA_DEFAULT_NUM_THREADS"),
    *("NUMBA_CACHE_DIR", "NUMBA_CACHE_LOCATOR_CLASSES", "NUMBA_FUNCTION_CACHE_SIZE"),
    *("NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"),
}
_SETTINGS_FILE = Path(".numba_config.yaml")  # Numba reads it from the working folder


class CannotCompileError(MissingExtraError):
    """The error raised if this process cannot compile kernels.

    Attributes:
        reason: the reason why kernels cannot be compiled, without advice.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), reason=self.reason), self.args


def numba() -> Any:
    """Return the Numba module.

    Raises:
        CannotCompileError: if Numba is missing or broken, or if its compiler is disabled.
    """
    module = _load("numba")
    if module.config.DISABLE_JIT:
        raise cannot_compile(
            "NUMBA_DISABLE_JIT disables Numba's compiler", "set NUMBA_DISABLE_JIT=0"
        )
    return module


@cache
def binding() -> Any:
    """Initialize llvmlite's binding module for this processor, and return the module.

    Raises:
        CannotCompileError: if llvmlite is missing or broken.
    """
    found = _load("llvmlite.binding")
    found.initialize_native_target()
    found.initialize_native_asmprinter()
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    for name in _C_FUNCTIONS:
        address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        found.add_symbol(name, address)
    return found


def numba_settings() -> list[str]:
    """Return those settings of Numba that may change machine code, without importing Numba."""
    chosen = [
        f"{name}={value}"
        for name, value in sorted(os.environ.items())
        if name.startswith("NUMBA_") and name not in _IRRELEVANT
    ]
    try:
        return [*chosen, _SETTINGS_FILE.read_text(errors="replace")]
    except OSError:
        return chosen


def not_compiled(kernel: str, error: Exception) -> CannotCompileError:
    """Return an error that says that Numba failed to compile a kernel, and why."""
    names = [
        setting.partition("=")[0] for setting in numba_settings() if setting.startswith("NUMBA_")
    ]
    under = f" with {', '.join(names)}" if names else ""
    remedy = f"unset {', '.join(names)}" if names else "install another version of Numba"
    return cannot_compile(f"Numba cannot compile {kernel}{under} ({_first_line(error)})", remedy)


def cannot_compile(reason: str, remedy: str) -> CannotCompileError:
    """Return an error that states why kernels cannot be compiled, and a remedy."""
    message = f"the compiled engine cannot compile: {reason}; {remedy}, or use engine='reference'"
    return CannotCompileError(message, reason=reason)


def _first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the error's class name if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(" .:") if lines else type(error).__name__


def _load(name: str) -> Any:
    """Import Numba, llvmlite, or one of their modules."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # an incompatible library may raise anything
        package = name.partition(".")[0]
        if isinstance(error, ModuleNotFoundError) and error.name in (name, package):
            raise CannotCompileError(
                "the compiled engine needs Numba; install it with `pip install numba`, "
                "or use engine='reference'",
                reason="Numba is not installed",
            ) from error
        raise cannot_compile(
            f"{package} cannot be imported ({_first_line(error)})", "install a compatible version"
        ) from error
