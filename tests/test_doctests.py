"""The examples in docstrings produce the documented output."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
from types import ModuleType

import numpy as np
import pytest

import handgrad
from tests.extras import reason

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(handgrad.__path__, "handgrad.", onerror=lambda _: None)
    if not module.name.endswith("__main__")
)


def imported(name: str) -> ModuleType | None:
    """Import a module, or return None if it needs PyTorch, which is not installed."""
    try:
        return importlib.import_module(name)
    except (ImportError, handgrad.MissingExtraError):
        if importlib.util.find_spec("torch"):
            raise
        return None


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name: str) -> None:
    module = imported(name)
    if module is None:
        pytest.skip(reason("torch"))
    known = {"np": np, "hg": handgrad, **vars(module)}
    assert doctest.testmod(module, extraglobs=known).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [module for name in MODULES if (module := imported(name))]
    found = [t for module in modules for t in finder.find(module) if t.examples]
    assert len(found) >= 3
