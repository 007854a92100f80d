"""Compiles kernels with Numba once per machine, and links their machine code into the process.

A kernel is identified by its file, its function and its tile sizes. The object code is cached in
the user's cache folder under a key that changes with the sources, the compiler and the processor.
A process that finds all its kernels in the cache does not import Numba.
"""

from __future__ import annotations

import ctypes
import importlib
import inspect
import json
import logging
import re
import sys
import threading
import time
import types
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from handgrad.engines.compiled.ablation import is_enabled
from handgrad.engines.compiled.jit import object_cache
from handgrad.engines.compiled.jit.cache_key import cache_key
from handgrad.engines.compiled.jit.libraries import binding, not_compiled, numba
from handgrad.engines.compiled.jit.precompile import second_compiler_process
from handgrad.posix import at_fork

logger = logging.getLogger("handgrad")

_lock = threading.RLock()
# a child forked while LLVM compiles could not use LLVM
at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_addresses: dict[Kernel, int] = {}


class Kernel(NamedTuple):
    """A kernel, identified by its name and the tile sizes for which the kernel is compiled.

    Attributes:
        name: the file and the function, for example "dense.forward".
        tile: values for constants of the kernel's module, such as (("ROWS", 8), ("COLUMNS", 3)).
    """

    name: str
    tile: tuple[tuple[str, int], ...] = ()

    @property
    def symbol(self) -> str:
        """The symbol name of the machine code."""
        return "_".join([*self.name.split("."), *(f"{key}{size}" for key, size in self.tile)])


def addresses(kernels: Iterable[Kernel]) -> dict[Kernel, int]:
    """Return the address of the machine code of each kernel. Uncached kernels are compiled first.

    Raises:
        CannotCompileError: if a kernel is not in the cache and cannot be compiled.
    """
    with _lock:
        wanted = [kernel for kernel in dict.fromkeys(kernels) if kernel not in _addresses]
        if wanted:
            _link({kernel: object_cache.read(cache_key(), kernel.symbol) for kernel in wanted})
        return {kernel: _addresses[kernel] for kernel in kernels}


def _link(objects: dict[Kernel, bytes | None]) -> None:
    """Compile the missing kernels, link all kernels, and record their addresses."""
    started = time.perf_counter()
    missing = [kernel for kernel, code in objects.items() if code is None]
    if missing:
        numba()
        count = f"{len(missing)} kernel{'s' if len(missing) > 1 else ''}"
        logger.warning("handgrad: compiling %s for this machine, once ...", count)
    with second_compiler_process(missing if object_cache.is_available(cache_key()) else []):
        complete = {kernel: code or _object_code(kernel) for kernel, code in objects.items()}
    linker = _linker()
    for code in complete.values():  # after all have compiled: a linked object cannot be removed
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


def precompile(kernels: str) -> None:
    """Compile kernels into the cache in reverse order; another process compiles them in order.

    Args:
        kernels: the name and the tile sizes of each kernel, as JSON.
    """
    for name, tile in reversed(json.loads(kernels)):
        _object_code(Kernel(name, tuple((key, size) for key, size in tile)))


def _object_code(kernel: Kernel) -> bytes:
    """Return the object code of a kernel from the cache, or compile the kernel."""
    code = object_cache.read(cache_key(), kernel.symbol)
    if code is None:
        try:
            code = _compile(kernel)
        except Exception as error:  # Numba raises errors of many types
            raise not_compiled(kernel.name, error) from error
        object_cache.write(cache_key(), kernel.symbol, code)
    return code


def _compile(kernel: Kernel) -> bytes:
    """Compile a kernel to object code."""
    family, _, name = kernel.name.partition(".")
    kernels = importlib.import_module(f"handgrad.engines.compiled.kernels.{family}")
    unpack = importlib.import_module("handgrad.engines.compiled.kernels.pointers").unpack
    fast = importlib.import_module("handgrad.engines.compiled.kernels.decorators").FAST

    # The tile sizes replace the module's constants, so that Numba compiles them as numbers.
    plain = getattr(kernels, name)
    sized = types.FunctionType(plain.__code__, {**vars(kernels), **_tile(kernel)})
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
    if not is_enabled("prefetch"):
        text = re.sub(r"^.*\bcall void @llvm\.prefetch.*$", "", text, flags=re.MULTILINE)
    module = binding().parse_assembly(text)
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration and value.name != kernel.symbol:
            value.linkage = "internal"
            if value.is_function:
                value.add_function_attribute("alwaysinline")
    _remove_python_errors(module)
    code: bytes = _machine().emit_object(module)
    return code


def _tile(kernel: Kernel) -> dict[str, int]:
    """Return the tile sizes for which to compile a kernel."""
    tile = dict(kernel.tile)
    if is_enabled("register-tiles"):
        return tile
    # VECTORS, and the columns of a dense gradient, are part of the layout of the parameters.
    free = ("ROWS", "COLUMNS") if kernel.name.startswith("conv.") else ("ROWS",)
    return tile | {name: 1 for name in free if name in tile}


def _remove_python_errors(module: Any) -> None:
    """Remove the code for Python exceptions, which kernels never raise."""
    passes = binding().create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_ipsccp_pass()
    passes.add_simplify_cfg_pass()
    passes.add_global_dead_code_eliminate_pass()
    options = binding().create_pipeline_tuning_options(speed_level=3)
    passes.run(module, binding().create_pass_builder(_machine(), options))
    needed = {value.name for value in module.functions if value.is_declaration}
    if any(name.startswith(("numba_", "Py", "NRT_")) for name in needed):
        raise AssertionError("its machine code calls Python")


@cache
def _machine() -> Any:
    """Return LLVM's target machine, which describes this processor."""
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
    """Return the linker that manages the machine code of this process."""
    machine = binding().Target.from_default_triple().create_target_machine(jit=True)
    return binding().create_mcjit_compiler(binding().parse_assembly(""), machine)


@cache
def function(kernel: Kernel) -> Any:
    """Return a kernel as a function of the arguments' address; a call releases the GIL."""
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(addresses([kernel])[kernel])


@cache
def yield_thread() -> int:
    """Return the address of the system function that yields the processor to another thread."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0
