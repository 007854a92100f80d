"""Edits of checkpoints with a correct digest, for the tests of tampered files."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from handgrad.train.checkpoint.file import _digest

OTHERS = (None, [], {}, "x", -5, 0.5, True, [[1]], 10**400, math.inf, math.nan)

Content = dict[str, Any]
Named = dict[str, NDArray[Any]]
Edit = Callable[[Content, Named], None]


def read(path: Path) -> tuple[Content, Named]:
    """Return the description and the arrays of a checkpoint."""
    with safe_open(path, framework="numpy") as file:
        named = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return json.loads(file.metadata()["handgrad"]), named


def edit(path: Path, change: Edit) -> None:
    """Change a checkpoint, and update its digest."""
    content, named = read(path)
    change(content, named)
    text = json.dumps(content)
    path.write_bytes(save(named, {"handgrad": text, "sha256": _digest(named, text)}))


def edits_of_fields(content: Content) -> Iterator[tuple[str, Edit]]:
    """Yield edits that remove or replace each field of the metadata."""
    for place in _places(content):
        name = ".".join(map(str, place))
        yield f"{name} missing", _at(place, lambda of, key: of.pop(key))
        for other in OTHERS:
            change = _at(place, lambda of, key, o=other: of.__setitem__(key, copy.deepcopy(o)))  # type: ignore[misc]
            yield f"{name} {other!r:.9}", change


def edits_of_arrays(named: Named) -> Iterator[tuple[str, Edit]]:
    """Yield edits that remove each array, or change its name, shape, dtype or values."""
    changes: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
        "deeper": lambda a: a[None],
        "flat": lambda a: a.reshape(1, -1),
        "of one": lambda a: np.zeros(1, a.dtype),
        "scalar": lambda a: np.zeros((), a.dtype),
        "shorter": lambda a: a[:-1],
        "empty": lambda a: a[:0],
        "longer": lambda a: np.resize(a, (len(a) + 3000, *a.shape[1:])),
        "half": lambda a: a.astype(np.float16),
        "double": lambda a: a.astype(np.float64 if a.dtype != np.float64 else np.float32),
        "whole": lambda a: np.nan_to_num(a).astype(np.int32),
        "NaN": lambda a: np.full_like(a, np.nan, dtype=np.float64).astype(_float(a)),
        "infinite": lambda a: np.full_like(a, -np.inf, dtype=np.float64).astype(_float(a)),
    }
    for name, array in named.items():
        yield f"{name} missing", lambda _, of, name=name: of.pop(name)  # type: ignore[misc]
        yield f"{name} elsewhere", lambda _, of, n=name: of.__setitem__(f"x/{n}", of.pop(n))  # type: ignore[misc]
        for word, change in changes.items():
            new = np.ascontiguousarray(change(np.atleast_1d(array)))
            if word == "scalar":
                new = new.reshape(())
            yield f"{name} {word}", lambda _, of, n=name, new=new: of.__setitem__(n, new)  # type: ignore[misc]


def _float(array: NDArray[Any]) -> np.dtype[Any]:
    return array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each field of a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in inside:
        yield (*above, key)
        if isinstance(below, dict | list):
            yield from _places(below, (*above, key))


def _at(place: tuple[Any, ...], change: Callable[[Any, Any], Any]) -> Edit:
    def edit(content: Content, _: Named) -> None:
        of: Any = content
        for key in place[:-1]:
            of = of[key]
        change(of, place[-1])

    return edit
