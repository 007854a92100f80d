"""Every kernel has a test against the formula in its docstring."""

from __future__ import annotations

import importlib

import pytest

from handgrad.engines.compiled.jit.signatures import kernel_names


@pytest.mark.parametrize("kernel", kernel_names())
def test_every_kernel_has_a_test(kernel: str) -> None:
    family, _, name = kernel.partition(".")
    module = importlib.import_module(f"tests.engines.compiled.kernels.test_{family}")
    assert callable(getattr(module, f"test_{name}", None)), f"test_{family}.py has no test_{name}"
