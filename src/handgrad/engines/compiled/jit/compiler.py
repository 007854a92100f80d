"""Kernels made into machine code: once for this machine, then kept in the user's cache directory.

A kernel is named by its file, its function and the size of its tile. It is compiled by Numba, and
the object code is kept in a folder that only the user can write to, under a name that changes with
the sources, the compiler and the processor. Where it is at hand, Numba is not even imported.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import importlib.metadata
import inspect
import json
import logging
import os
import sys
import threading
import time
import types
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from handgrad.engines.compiled.jit import object_cache as kept
from handgrad.engines.compiled.jit.libraries import binding, cannot, not_compiled, numba, settings
from handgrad.engines.compiled.jit.precompile import second_process

# The sources, beside the kernels' own, that the machine code depends on.
_OTHERS = (
    *("runtime/step_state.py", "jit/compiler.py", "jit/libraries.py"),
    "../../data/augment/grid.py",
)

logger = logging.getLogger("handgrad")

_lock = threading.RLock()
if hasattr(os, "register_at_fork"):  # a fork waits: LLVM could not be used by a child any more
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )
_addresses: dict[Kernel, int] = {}


class Kernel(NamedTuple):
    """A kernel by name.

    Attributes:
        name: its file and function, such as "dense.forward".
        tile: constants that it is compiled for, such as (("ROWS", 8), ("COLUMNS", 3)).
    """

    name: str
    tile: tuple[tuple[str, int], ...] = ()

    @property
    def symbol(self) -> str:
        """The name of its machine code."""
        return "_".join([*self.name.split("."), *(f"{key}{size}" for key, size in self.tile)])


def addresses(kernels: Iterable[Kernel]) -> dict[Kernel, int]:
    """Return where the machine code of each kernel lies, compiling what is not at hand.

    Raises:
        CannotCompileError: where something is to be compiled, and cannot be.
    """
    with _lock:
        wanted = [kernel for kernel in dict.fromkeys(kernels) if kernel not in _addresses]
        if wanted:
            _link({kernel: kept.read(_digest(), kernel.symbol) for kernel in wanted})
        return {kernel: _addresses[kernel] for kernel in kernels}


def _link(objects: dict[Kernel, bytes | None]) -> None:
    """Put object code into this process, and note where each kernel begins."""
    started = time.perf_counter()
    missing = [kernel for kernel, code in objects.items() if code is None]
    if missing:
        numba()
        count = f"{len(missing)} kernel{'s' if len(missing) > 1 else ''}"
        logger.warning("handgrad: compiling %s for this machine, once ...", count)
    with second_process(missing if kept.possible(_digest()) else []):
        whole = {kernel: code or _made(kernel) for kernel, code in objects.items()}
    linker = _linker()
    for code in whole.values():  # none before all are there: what is added cannot be taken away
        linker.add_object_file(binding().ObjectFileRef.from_data(code))
    linker.finalize_object()
    for kernel in objects:
        _addresses[kernel] = linker.get_function_address(kernel.symbol)
    logger.info(
        "handgrad: compiled engine: kernels: %d compiled, %d from the cache, in %.2f s",
        len(missing),
        len(objects) - len(missing),
        time.perf_counter() - started,
    )


def ahead(kernels: str) -> None:
    """Compile and keep kernels for another process that begins with the first of them.

    Args:
        kernels: the name and the tile of each, as JSON.
    """
    for name, tile in reversed(json.loads(kernels)):
        _made(Kernel(name, tuple((key, size) for key, size in tile)))


def _made(kernel: Kernel) -> bytes:
    """Return the object code of a kernel that another process may have kept just now."""
    code = kept.read(_digest(), kernel.symbol)
    if code is None:
        try:
            code = _compile(kernel)
        except Exception as error:  # Numba's own are of many kinds, and as many settings
            raise not_compiled(kernel.name, error) from error
        kept.write(_digest(), kernel.symbol, code)
    return code


def _compile(kernel: Kernel) -> bytes:
    """Return the object code of a kernel."""
    family, _, name = kernel.name.partition(".")
    kernels = importlib.import_module(f"handgrad.engines.compiled.kernels.{family}")
    unpack = importlib.import_module("handgrad.engines.compiled.kernels.pointers").unpack
    fast = importlib.import_module("handgrad.engines.compiled.kernels.decorators").FAST

    # The constants of the tile stand in for the module's, so that Numba sees numbers.
    plain = getattr(kernels, name)
    sized = types.FunctionType(plain.__code__, {**vars(kernels), **dict(kernel.tile)})
    options = {"error_model": "numpy", "fastmath": fast}
    function = numba().njit(**options)(sized)
    annotations = inspect.get_annotations(plain)
    kinds = " ".join(kind for key, kind in annotations.items() if key != "return")

    def entry(block: Any) -> None:
        function(*unpack(block, kinds))

    kind = numba().types
    signature = kind.void(kind.CPointer(kind.int64))
    compiled = numba().cfunc(signature, **options)(entry)
    text = compiled.inspect_llvm().replace(compiled.native_name, kernel.symbol)
    module = binding().parse_assembly(text)
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration and value.name != kernel.symbol:
            value.linkage = "internal"
            if value.is_function:
                value.add_function_attribute("alwaysinline")
    _without_errors(module)
    code: bytes = _machine().emit_object(module)
    return code


def _without_errors(module: Any) -> None:
    """Remove what would report an error to Python: kernels raise none, and so need no Python."""
    passes = binding().create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_ipsccp_pass()
    passes.add_simplify_cfg_pass()
    passes.add_global_dead_code_eliminate_pass()
    options = binding().create_pipeline_tuning_options(speed_level=3)
    passes.run(module, binding().create_pass_builder(_machine(), options))
    needed = {value.name for value in module.functions if value.is_declaration}
    if any(name.startswith(("numba_", "Py", "NRT_")) for name in needed):
        raise AssertionError("it would need Python while it runs")


@cache
def _digest() -> str:
    """Return a name that changes with all that the machine code depends on."""
    digest = hashlib.sha256()
    here = Path(__file__).parents[1]
    for path in sorted([*here.glob("kernels/*.py"), *map(here.joinpath, _OTHERS)]):
        digest.update(path.read_bytes())
    for name in ("numba", "llvmlite"):
        try:
            digest.update(importlib.metadata.version(name).encode())
        except importlib.metadata.PackageNotFoundError as error:
            raise cannot(f"{name} is not whole (its version is missing)", "install it") from error
    digest.update(sys.version.encode())
    digest.update("\0".join(settings()).encode())
    digest.update(binding().get_host_cpu_name().encode())
    digest.update(binding().get_host_cpu_features().flatten().encode())
    return digest.hexdigest()[:16]


@cache
def _machine() -> Any:
    """Return the description of this processor that code is made for."""
    return (
        binding()
        .Target.from_default_triple()
        .create_target_machine(
            cpu=binding().get_host_cpu_name(),
            features=binding().get_host_cpu_features().flatten(),
            opt=3,
            reloc="static",
            codemodel="jitdefault",
            jit=True,
        )
    )


@cache
def _linker() -> Any:
    """Return what holds the machine code of this process."""
    machine = binding().Target.from_default_triple().create_target_machine(jit=True)
    return binding().create_mcjit_compiler(binding().parse_assembly(""), machine)


@cache
def function(kernel: Kernel) -> Any:
    """Return a kernel for Python to call with its arguments' address; it lets go of the GIL."""
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(addresses([kernel])[kernel])


@cache
def give_way() -> int:
    """Return the address of the function that lets another thread run."""
    if sys.platform == "win32":
        found = ctypes.windll.kernel32.SwitchToThread
    else:
        found = ctypes.CDLL(None).sched_yield
    return ctypes.cast(found, ctypes.c_void_p).value or 0
