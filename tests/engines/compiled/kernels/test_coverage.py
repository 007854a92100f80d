"""Every kernel has a test against the formula in its docstring."""

from __future__ import annotations

import importlib

import pytest

from handgrad.engines.compiled.jit.signatures import kernel_names
from tests.engines.compiled.kernels.test_planted_faults import FAULTS, ROOT


@pytest.mark.parametrize("kernel", kernel_names())
def test_every_kernel_has_a_test(kernel: str) -> None:
    family, _, name = kernel.partition(".")
    module = importlib.import_module(f"tests.engines.compiled.kernels.test_{family}")
    assert callable(getattr(module, f"test_{name}", None)), f"test_{family}.py has no test_{name}"


def test_the_tests_that_find_planted_faults_exist() -> None:
    node_ids = {node_id.partition("[")[0] for fault in FAULTS for node_id in fault.node_ids}
    missing = []
    for file, _, name in (node_id.partition("::") for node_id in sorted(node_ids)):
        if f"def {name}(" not in (ROOT / file).read_text("utf-8"):
            missing.append(f"{file}::{name}")
    assert missing == []
