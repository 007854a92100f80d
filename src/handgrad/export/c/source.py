"""The text of C programs: numbers, strings, and the functions in the folder `code`.

In that folder, names begin with hg_ or HG_. The export replaces this by the name of the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CODE = Path(__file__).parent / "code"
# The files with functions, in an order in which each function stands after those that it calls.
LIBRARY = (
    "image",
    "resize",
    "steps",
    "ink",
    "lines",
    "problems",
    "layers",
    "int8",
    "answer",
    "ood",
)
_NAMES = re.compile(r"\b(?:hg|HG)_\w+")
_PER_LINE = 10  # numbers


def read(name: str) -> str:
    """Return the text of a file of the folder `code`."""
    return (CODE / name).read_text()


def library(used_by: str) -> dict[str, str]:
    """Return the functions and types that a program needs, as the text of each file that has some.

    Args:
        used_by: the text of the program. It is searched for their names.
    """
    files = {name: blocks(read(f"{name}.h")) for name in LIBRARY}
    known = {name: text for file in files.values() for names, text in file for name in names}
    needed: set[str] = set()
    new = set(_NAMES.findall(used_by))
    while new:
        needed |= new
        new = {n for name in new for n in _NAMES.findall(_code(known.get(name, "")))} - needed
    found = {}
    for name, file in files.items():
        (_, title), *functions = file
        parts = [text for names, text in functions if needed & names]
        if parts:
            found[name] = "\n\n".join([title, *parts])
    return found


@cache
def blocks(text: str) -> list[tuple[frozenset[str], str]]:
    """Divide a file into its title and its functions and types, each with the names it defines."""
    parts = re.split(r"\n\n(?=/\*)", text.strip())
    return [(frozenset(_defined(_code(part))), part) for part in parts]


def _defined(code: str) -> Iterator[str]:
    """Yield the names that a function, a type or an enumeration defines."""
    if "(" in code.split("{", maxsplit=1)[0]:
        yield _NAMES.findall(code.split("(", maxsplit=1)[0])[-1]
    elif code:
        yield from (name for name in _NAMES.findall(code) if name.isupper() or f"}} {name}" in code)


def _code(text: str) -> str:
    """Return a text without its comments."""
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).strip()


def only(text: str, part: str, *, keep: bool, guard: str = "") -> str:
    """Keep or remove the lines between ``/*@ part */`` and ``/*@ end */``, under an #ifndef."""

    def replaced(match: re.Match[str]) -> str:
        inner = match[1]
        if not keep:
            return ""
        return f"#ifndef {guard}\n{inner}#endif\n" if guard else inner

    return re.sub(rf"[ ]*/\*@ {part} \*/\n(.*?)[ ]*/\*@ end \*/\n", replaced, text, flags=re.DOTALL)


def renamed(text: str, name: str) -> str:
    """Replace hg_ and HG_ at the beginning of names by the name of the model."""
    return re.sub(r"\bHG_", f"{name.upper()}_", re.sub(r"\bhg_", f"{name}_", text))


def number(value: Any) -> str:
    """Return a float32 constant, with as many digits as its value needs."""
    return f"{np.float32(value)!s}f"


def array(name: str, values: NDArray[Any], kind: str = "float") -> str:
    """Return the definition of a constant array in row-major order, with its shape as a comment."""
    flat = values.ravel()
    texts = [*map(number, flat.astype(np.float32))] if kind == "float" else [*map(str, flat)]
    lines = (", ".join(texts[at : at + _PER_LINE]) for at in range(0, len(texts), _PER_LINE))
    shape = " x ".join(map(str, values.shape))
    content = ",\n    ".join(lines)
    return f"/* {shape} */\nstatic const {kind} {name}[{flat.size}] = {{\n    {content}}};"


def string(text: str) -> str:
    """Return a string constant. Bytes other than letters, digits and some signs are escaped."""
    safe = b" !#$%&'()*+,-./:;<=>@[]^_`{|}~"
    made = (
        chr(byte) if (chr(byte).isalnum() and byte < 128) or byte in safe else f"\\{byte:03o}"
        for byte in text.encode()
    )
    return f'"{"".join(made)}"'


def strings(texts: Sequence[Any]) -> str:
    """Return string constants, separated by commas."""
    return ", ".join(string(str(text)) for text in texts)


def bits_hash(arrays: Sequence[NDArray[Any]]) -> int:
    """Return the hash h of the bits of all 32-bit numbers: h = 16777619 h + bits, modulo 2^32."""
    h = 2166136261
    for values in arrays:
        bits = values.astype(np.int64).astype(np.uint32).ravel()
        if np.issubdtype(values.dtype, np.floating):
            bits = np.ascontiguousarray(values, np.float32).ravel().view(np.uint32)
        powers = np.full(bits.size, 16777619, np.uint32)
        powers[:1] = 1
        powers = np.cumprod(powers, dtype=np.uint32)[::-1]
        first = int(powers[0]) * 16777619 if bits.size else 1
        h = (h * first + int((bits * powers).sum(dtype=np.uint32))) % 2**32
    return h
