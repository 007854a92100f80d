"""A layer of one's own, from a Python file."""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.errors import ConfigError, HandgradError, ModelError
from handgrad.layers import Context, Layer, Shape
from handgrad.verify.subject import Subject, gradients, places

BATCH = 7  # not a size that an axis is likely to have, for a division by it is to be recognised
SHAPES: tuple[Shape, ...] = ((5,), (3, 6, 8))  # tried in turn where none is given


def own_layer(
    place: str, args: str = "", shape: Shape | None = None, batch: int = BATCH
) -> Subject:
    """Return a layer of the user's own as what is to be checked; all its elements are tried.

    Args:
        place: the file and the name of the class, "FILE.py:LAYER".
        args: what to construct it with, as JSON: an object by name, or a list in order.
        shape: one example's; None: the first of `SHAPES` that it takes.
        batch: N, how many examples make a batch.

    Raises:
        ConfigError: if args are not JSON of this kind.
        ModelError: if the file, the class or one of its functions does not work; the sentence
            names the line.
    """
    path, _, name = place.rpartition(":")
    file = Path(path)
    layer = _constructed(file, name, args)
    with at_its_line(file):
        found = shape or next((s for s in SHAPES if _takes(layer, s)), SHAPES[0])
        subject = Subject(name, layer, found, batch, elements=sys.maxsize)
        _try_out(subject)
    return subject


@contextmanager
def at_its_line(file: Path) -> Iterator[None]:
    """Make of whatever a file raises one sentence that names the line.

    Raises:
        ModelError: in place of every error that is not one of handgrad's.
    """
    try:
        yield
    except HandgradError:
        raise
    except SyntaxError as error:
        raise ModelError(f"{file}, line {error.lineno}: {error.msg}; correct it there") from None
    except (Exception, SystemExit) as error:  # a file that leaves has proven nothing
        frames = traceback.extract_tb(error.__traceback__)
        inside = [frame for frame in frames if Path(frame.filename) == file.resolve()]
        line = f", line {inside[-1].lineno}, in {inside[-1].name}" if inside else ""
        words = " ".join(str(error).split())
        raise ModelError(f"{file}{line}: {type(error).__name__}: {words}") from None


def _constructed(file: Path, name: str, args: str) -> Layer:
    """Return the layer that a file defines."""
    if not file.is_file():
        raise ModelError(f"{file}: there is no such file; give FILE.py:LAYER")
    spec = importlib.util.spec_from_file_location(f"own_{file.stem}", file.resolve())
    if spec is None or spec.loader is None:
        raise ModelError(f"{file} is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks for its module there
    with at_its_line(file):
        spec.loader.exec_module(module)
    kind = getattr(module, name, None)
    if not isinstance(kind, type):
        there = [k for k, v in vars(module).items() if isinstance(v, type) and _is_layer(v)]
        raise ModelError(f"{file} has no class {name!r}; its layers are {', '.join(there) or '-'}")
    if not _is_layer(kind):
        raise ModelError(f"{file}: {name} is no layer; it needs init, forward and backward")
    given = _parsed(args)
    with at_its_line(file):
        layer: Layer = kind(*given) if isinstance(given, list) else kind(**given)
        return layer


def _is_layer(kind: type) -> bool:
    return all(callable(getattr(kind, part, None)) for part in ("init", "forward", "backward"))


def _parsed(args: str) -> list[Any] | dict[str, Any]:
    """Return the arguments; a list in JSON is a tuple here, for settings are values."""
    try:
        given = json.loads(args or "{}")
    except ValueError as error:
        raise ConfigError(f"--args must be JSON, such as '{{\"units\": 6}}' ({error})") from None
    if isinstance(given, dict):
        return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    if isinstance(given, list):
        return [tuple(v) if isinstance(v, list) else v for v in given]
    raise ConfigError(f"--args must be an object or a list in JSON, not {args}")


def _takes(layer: Layer, shape: Shape) -> bool:
    """Say whether a layer takes examples of a shape."""
    rng = np.random.default_rng(0)
    try:
        params, _ = layer.init(shape, rng)
        Y, cache = layer.forward(params, rng.random((BATCH, *shape)), Context(training=True))
        layer.backward(params, cache, Y)
    except Exception:  # whatever a user's code raises, it does not take this one
        return False
    return True


def _try_out(subject: Subject) -> None:
    """Run the functions twice, and refuse what cannot be judged."""
    point, layer, name = subject.point(0, training=True), subject.layer, subject.name
    arrays = places(layer, point)
    before = {tensor: array.copy() for tensor, array in arrays.items()}
    once, again = (
        {"Y": np.array(layer.forward(*point[:3])[0]), **gradients(layer, point)} for _ in range(2)
    )
    for tensor, array in arrays.items():
        if not np.array_equal(array, before[tensor]):
            raise ModelError(f"{name}: it writes into {tensor}; write into a copy instead")
    for tensor in once:
        if tensor not in {"Y", *arrays}:
            raise ModelError(
                f"{name}: backward gives a gradient of {tensor!r}, which is not among the arrays "
                "that init returned to be learned"
            )
        if not np.array_equal(once[tensor], again[tensor], equal_nan=True):
            what = "forward" if tensor == "Y" else f"backward, for {tensor},"
            raise ModelError(
                f"{name}: {what} gives other numbers when it is called again; keep nothing in "
                "self, and draw noise from ctx (seed, step, layer)"
            )
