"""The version key of the object cache: a hash of everything that machine code depends on.

The hash covers the source files, the versions of the compiler, its settings, and the processor. The
source files are found by following the imports of the kernel modules, so that a new helper module
is included automatically.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from handgrad.engines.compiled.ablation import code_settings
from handgrad.engines.compiled.jit.libraries import binding, cannot_compile, numba_settings

_PACKAGE = Path(__file__).parents[3]
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?:handgrad|\.)|import[ \t]+handgrad)[^\n(]*(?:\([^)]*\))?", re.MULTILINE
)
_COMPILER = ("jit/compiler.py", "jit/libraries.py")  # what they do to the code counts as well


@cache
def cache_key() -> str:
    """Return the key, a string of 16 hexadecimal digits.

    Raises:
        CannotCompileError: if the version of Numba or llvmlite cannot be determined.
    """
    digest = hashlib.sha256(sources_digest(_PACKAGE).encode())
    for name in ("numba", "llvmlite"):
        try:
            digest.update(importlib.metadata.version(name).encode())
        except importlib.metadata.PackageNotFoundError as error:
            raise cannot_compile(
                f"{name} is not fully installed (its version is missing)", "install it"
            ) from error
    digest.update(sys.version.encode())
    digest.update("\0".join([*numba_settings(), *code_settings()]).encode())
    digest.update(binding().get_host_cpu_name().encode())
    digest.update(binding().get_host_cpu_features().flatten().encode())
    return digest.hexdigest()[:16]


def sources_digest(package: Path) -> str:
    """Return a hash of the kernel modules and of all package modules that they import.

    Args:
        package: the folder of the package `handgrad`.
    """
    digest = hashlib.sha256()
    for path in kernel_sources(package):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def kernel_sources(package: Path) -> list[Path]:
    """Return a sorted list of the kernel modules' files and the files of all their imports.

    Imports are followed transitively inside the package. An `__init__.py` is included only if a
    module imports names from it directly. Importing a submodule does not bring names of the parent
    package into the kernels.

    Args:
        package: the folder of the package `handgrad`.
    """
    compiled = package / "engines" / "compiled"
    found = {*(compiled / "kernels").glob("*.py")}
    waiting = [*found]
    while waiting:
        for path in _imports(waiting.pop(), package):
            if path not in found:
                found.add(path)
                waiting.append(path)
    return sorted(found | {compiled / name for name in _COMPILER})


def _imports(path: Path, package: Path) -> Iterator[Path]:
    """Yield the files of the package that a module imports, including imports inside functions."""
    for node in _import_statements(path.read_text("utf-8")):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = _absolute(node, path, package)
            names = [base]
            module = _file(base, package)
            if module is not None and module.name == "__init__.py":  # its names may be modules
                names += [f"{base}.{alias.name}" for alias in node.names]
        yield from filter(None, (_file(name, package) for name in names))


def _import_statements(source: str) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the import statements in a source text.

    Only the lines that look like imports are parsed. Parsing the complete source of all kernels
    would take longer than loading the compiled kernels from the cache.
    """
    for found in _IMPORT.finditer(source):
        try:
            (node,) = ast.parse(found[0].strip()).body
        except SyntaxError:  # a line of prose in a docstring
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def _absolute(node: ast.ImportFrom, path: Path, package: Path) -> str:
    """Return the dotted name of the module from which a `from` statement imports."""
    if not node.level:
        return node.module or ""
    parts = path.relative_to(package.parent).with_suffix("").parts[: -node.level]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _file(name: str, package: Path) -> Path | None:
    """Return the source file of a module in the package, or None if there is no such module."""
    first, *rest = name.split(".")
    if first != package.name:
        return None
    base = os.path.join(package, *rest)
    for file in (f"{base}.py", os.path.join(base, "__init__.py")):
        if os.path.isfile(file):
            return Path(file)
    return None
