"""The formula that each kernel computes, as its docstring says it, read without loading Numba."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from handgrad.engines.compiled.jit.compiler import Kernel

_KERNELS = Path(__file__).parents[1] / "kernels"


def formula(kernel: Kernel) -> str:
    """Return what a kernel computes: its docstring, up to the first prose about how."""
    family, _, name = kernel.name.partition(".")
    text = _docstrings(family)[name]
    first, *others = (_in_a_line(part) for part in text.split("\n\n"))
    parts = [first]
    for part in others:
        if first.endswith(".") or part.endswith("."):
            break
        parts.append(part)
    return "   ".join(parts)


def _in_a_line(text: str) -> str:
    """Return a paragraph as one line; formulas stay apart, as they were."""
    return re.sub(r" {2,}", "   ", text.strip().replace("\n", " "))


@cache
def _docstrings(family: str) -> dict[str, str]:
    """Return the docstrings of a family's kernels by name."""
    tree = ast.parse((_KERNELS / f"{family}.py").read_text("utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_docstring(node) or "" for node in functions}
