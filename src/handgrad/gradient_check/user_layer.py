"""A layer of one's own, from a Python file."""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from handgrad.errors import ConfigError, HandgradError, ModelError
from handgrad.gradient_check.contract import TAKES, check_form
from handgrad.gradient_check.target import Subject
from handgrad.layers import Context, Layer, Shape

BATCH = 7  # not a size that an axis is likely to have, for a division by it is to be recognised
SHAPES: tuple[Shape, ...] = ((5,), (3, 6, 8))  # tried where none is given


def own_layer(
    place: str, args: str = "", shape: Shape | None = None, batch: int = BATCH
) -> Subject:
    """Return a layer of the user's own as what is to be checked; all its elements are tried.

    Args:
        place: the file and the name of the class, "FILE.py:LAYER".
        args: what to construct it with, as JSON: an object by name, or a list in order.
        shape: one example's; None: the one of `SHAPES` that it gets furthest with.
        batch: N, how many examples make a batch.

    Raises:
        ConfigError: if args are not JSON of this kind, or place names no class.
        ModelError: if the file, the class or one of its functions does not work; the sentence
            names the line, or the function and what to do.
    """
    path, name = place.rsplit(":", 1) if ":" in place else (place, "")
    file = Path(path)
    layer = _constructed(file, name, args)
    found = shape or max(SHAPES, key=lambda one: _gets_far(layer, one))
    advice = "" if shape else f"; it was tried with a shape of {found}, --shape gives another"
    with at_its_line(file, advice):
        subject = Subject(name, layer, found, batch, elements=sys.maxsize, file=file)
        check_form(subject)
    return subject


@contextmanager
def at_its_line(file: Path, advice: str = "") -> Iterator[None]:
    """Make of whatever a file raises one sentence that names the line.

    What the file prints goes to stderr, for results alone go to stdout.

    Raises:
        ModelError: in place of every error that is not one of handgrad's.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except HandgradError:
        raise
    except (Exception, SystemExit) as error:  # a file that leaves has proven nothing
        raise ModelError(f"{_place(file, error)}; correct it there{advice}") from None


def _place(file: Path, error: BaseException) -> str:
    """Return where in a file an error was raised, and what it says."""
    if isinstance(error, SyntaxError):
        there = Path(error.filename or file)
        line = f", line {error.lineno}" if error.lineno else ""
        return f"{file if there == file.resolve() else there}{line}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename) == file.resolve()]
    line = f", line {inside[-1].lineno}, in {inside[-1].name}" if inside else ""
    words = " ".join([f"{type(error).__name__}:", *str(error).split()])
    return f"{file}{line}: {words.removesuffix(':')}"


def _constructed(file: Path, name: str, args: str) -> Layer:
    """Return the layer that a file defines."""
    kind = _class(file, name, _module(file))
    if inspect.isabstract(kind) or getattr(kind, "_is_protocol", False):
        raise ModelError(f"{file}: {name} is abstract; name a class that has all its functions")
    given = _parsed(args)
    words, named = (given, {}) if isinstance(given, list) else ([], given)
    _check_arguments(f"{file}: {name}", kind, words, named)
    with at_its_line(file):
        layer: Layer = kind(*words, **named)
        return layer


def _module(file: Path) -> ModuleType:
    """Return what a file defines."""
    if not file.is_file():
        raise ModelError(f"{file}: there is no such file; give FILE.py:LAYER")
    spec = importlib.util.spec_from_file_location(f"own_{file.stem}", file.resolve())
    if spec is None or spec.loader is None:
        raise ModelError(f"{file} is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks for its module there
    with at_its_line(file):
        spec.loader.exec_module(module)
    return module


def _class(file: Path, name: str, module: ModuleType) -> type:
    """Return the class of that name."""
    kind = getattr(module, name, None)
    if isinstance(kind, type) and _is_layer(kind):
        return kind
    own = [v for v in vars(module).values() if isinstance(v, type) and _is_layer(v)]
    there = [kind.__name__ for kind in own if kind.__module__ == module.__name__]
    if isinstance(kind, type):
        lacks = " and ".join(part for part in TAKES if not callable(getattr(kind, part, None)))
        raise ModelError(
            f"{file}: {name} is no layer; it needs init, forward and backward, and lacks {lacks}"
        )
    if not there:
        raise ModelError(f"{file} has no layer; write a class with init, forward and backward")
    layers = f"its layers are {', '.join(there)}"
    if not name:
        raise ConfigError(f"say which layer of {file}, such as {file}:{there[0]}; {layers}")
    raise ModelError(f"{file} has no class {name!r}; {layers}")


def _is_layer(kind: type) -> bool:
    return all(callable(getattr(kind, part, None)) for part in TAKES)


def _check_arguments(what: str, kind: type, words: list[Any], named: dict[str, Any]) -> None:
    """Refuse arguments that a class is not constructed with."""
    try:
        signature = inspect.signature(kind)
    except ValueError:  # a class that says nothing of itself is tried
        return
    try:
        signature.bind(*words, **named)
    except TypeError:
        parameters = signature.parameters.values()
        loose = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        due = [p.name for p in parameters if p.default is p.empty and p.kind not in loose]
        example = f"give such as --args '{json.dumps(dict.fromkeys(due, 1))}'"
        advice = example if due else "correct --args, or leave it out"
        raise ConfigError(f"{what} is constructed with {signature}; {advice}") from None


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


def _gets_far(layer: Layer, shape: Shape) -> int:
    """Return how many functions of a layer take examples of a shape."""
    rng, far = np.random.default_rng(0), 0
    with (
        suppress(Exception, SystemExit),
        redirect_stdout(sys.stderr),
    ):  # whatever a user's code raises
        params, _ = layer.init(shape, rng)
        far += 1
        Y, cache = layer.forward(params, rng.random((BATCH, *shape)), Context(training=True))
        far += 1
        layer.backward(params, cache, Y)
        far += 1
    return far
