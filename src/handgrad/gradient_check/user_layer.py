"""Loads a user-defined layer from a Python file."""

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
from handgrad.gradient_check.contract import PARAMETERS, check_contract
from handgrad.gradient_check.target import Target
from handgrad.layers import Context, Layer, Shape

BATCH = 7  # rarely the size of an axis, so that a division by it can be recognized
SHAPES: tuple[Shape, ...] = ((5,), (3, 6, 8))  # tried if no shape is given


def load_user_layer(
    place: str, args: str = "", shape: Shape | None = None, batch: int = BATCH
) -> Target:
    """Load a user-defined layer as a target for which every gradient element is checked.

    Args:
        place: the file and the name of the class, in the form "FILE.py:LAYER".
        args: the constructor's arguments in JSON: an object for keyword arguments, or a list for
            positional ones.
        shape: the shape of one example, or None to choose from `SHAPES` the one that works best.
        batch: N, the number of examples in a batch.

    Raises:
        ConfigError: if args is not a JSON object or list, or place does not name a class.
        ModelError: if the file, the class or one of its functions fails; the message names the
            line, or the function and how to fix it.
    """
    path, name = place.rsplit(":", 1) if ":" in place else (place, "")
    file = Path(path)
    layer = _constructed(file, name, args)
    found = shape or max(SHAPES, key=lambda one: _count_working(layer, one))
    advice = "" if shape else f"; the shape was {found}, use --shape to set another"
    with errors_with_line(file, advice):
        target = Target(name, layer, found, batch, elements=sys.maxsize, file=file)
        check_contract(target)
    return target


@contextmanager
def errors_with_line(file: Path, advice: str = "") -> Iterator[None]:
    """Convert each error of the user's file to an error of one sentence with the line number.

    Output that the file prints is redirected to stderr, because stdout is reserved for results.

    Raises:
        ModelError: if the block raises an error; handgrad's own errors are raised unchanged.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except HandgradError:
        raise
    except (Exception, SystemExit) as error:  # a file that exits has proven nothing
        raise ModelError(f"{_place(file, error)}; correct it there{advice}") from None


def _place(file: Path, error: BaseException) -> str:
    """Return the file and line where an error was raised, and the error's message."""
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
    """Construct the layer that a file defines."""
    kind = _class(file, name, _module(file))
    if inspect.isabstract(kind) or getattr(kind, "_is_protocol", False):
        raise ModelError(
            f"{file}: {name} is abstract; choose a class with init, forward and backward"
        )
    given = _parsed(args)
    words, named = (given, {}) if isinstance(given, list) else ([], given)
    _check_arguments(f"{file}: {name}", kind, words, named)
    with errors_with_line(file):
        layer: Layer = kind(*words, **named)
        return layer


def _module(file: Path) -> ModuleType:
    """Import a file as a module."""
    if not file.is_file():
        raise ModelError(f"{file}: there is no such file; pass FILE.py:LAYER")
    spec = importlib.util.spec_from_file_location(f"user_layer_{file.stem}", file.resolve())
    if spec is None or spec.loader is None:
        raise ModelError(f"{file} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks for its module there
    with errors_with_line(file):
        spec.loader.exec_module(module)
    return module


def _class(file: Path, name: str, module: ModuleType) -> type:
    """Return the layer class with the given name."""
    kind = getattr(module, name, None)
    if isinstance(kind, type) and _is_layer(kind):
        return kind
    layers_here = [v for v in vars(module).values() if isinstance(v, type) and _is_layer(v)]
    there = [kind.__name__ for kind in layers_here if kind.__module__ == module.__name__]
    if isinstance(kind, type):
        lacks = " and ".join(part for part in PARAMETERS if not callable(getattr(kind, part, None)))
        raise ModelError(
            f"{file}: {name} is not a layer; it needs init, forward and backward, but lacks {lacks}"
        )
    if not there:
        raise ModelError(f"{file} defines no layer; write a class with init, forward and backward")
    layers = f"its layers are {', '.join(there)}"
    if not name:
        raise ConfigError(f"name a layer in {file}, such as {file}:{there[0]}; {layers}")
    raise ModelError(f"{file} has no class {name!r}; {layers}")


def _is_layer(kind: type) -> bool:
    return all(callable(getattr(kind, part, None)) for part in PARAMETERS)


def _check_arguments(what: str, kind: type, words: list[Any], named: dict[str, Any]) -> None:
    """Raise a ConfigError unless the class accepts these constructor arguments."""
    try:
        signature = inspect.signature(kind)
    except ValueError:  # no signature is known: try it
        return
    try:
        signature.bind(*words, **named)
    except TypeError:
        parameters = signature.parameters.values()
        loose = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        due = [p.name for p in parameters if p.default is p.empty and p.kind not in loose]
        example = f"pass, for example, --args '{json.dumps(dict.fromkeys(due, 1))}'"
        advice = example if due else "correct --args, or omit it"
        raise ConfigError(f"{what} takes the arguments {signature}; {advice}") from None


def _parsed(args: str) -> list[Any] | dict[str, Any]:
    """Parse the arguments; JSON lists become tuples, because layers must be hashable."""
    try:
        given = json.loads(args or "{}")
    except ValueError as error:
        raise ConfigError(f"--args must be JSON, such as '{{\"units\": 6}}' ({error})") from None
    if isinstance(given, dict):
        return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    if isinstance(given, list):
        return [tuple(v) if isinstance(v, list) else v for v in given]
    raise ConfigError(f"--args must be an object or a list in JSON, not {args}")


def _count_working(layer: Layer, shape: Shape) -> int:
    """Return how many of a layer's three functions accept examples of this shape."""
    rng, count = np.random.default_rng(0), 0
    with (
        suppress(Exception, SystemExit),
        redirect_stdout(sys.stderr),
    ):  # whatever a user's code raises
        params, _ = layer.init(shape, rng)
        count += 1
        Y, cache = layer.forward(params, rng.random((BATCH, *shape)), Context(training=True))
        count += 1
        layer.backward(params, cache, Y)
        count += 1
    return count
