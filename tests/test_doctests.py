"""The examples in docstrings say what is so."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import handgrad

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(handgrad.__path__, "handgrad.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name: str) -> None:
    module = importlib.import_module(name)
    known = {"np": np, "hg": handgrad, **vars(module)}
    assert doctest.testmod(module, extraglobs=known).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [t for n in MODULES for t in finder.find(importlib.import_module(n)) if t.examples]
    assert len(found) >= 3
