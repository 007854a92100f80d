"""Signatures: every pointer of a kernel has exactly one declared access."""

from __future__ import annotations

from typing import Any

import pytest

from handgrad.engines.compiled.jit.signatures import Access, _parsed, kernel_names, signature

PARAMETERS = "X: Floats, Y: Floats, step_state: Ints, item: int, count: int"


def test_accesses_are_read_with_their_parts() -> None:
    accesses = signature("dense.gradient").accesses
    assert accesses["X"] == Access("reads", ("chunks",))
    assert accesses["dW"] == Access("writes", ("item", "tiles", "blocks"))
    assert "step_state" not in accesses


@pytest.mark.parametrize(
    ("declarations", "sentence"),
    [
        ('reads="X"', "one access per pointer; check {'Y'}"),
        ('reads="X, Y, Z"', "one access per pointer; check {'Z'}"),
        ('reads="X, count", writes="Y"', "one access per pointer; check {'count'}"),
        ('reads="X, Y", writes="Y"', "declares Y twice"),
        ('reads="X", writes="Y[items]"', "has no parameter {'items'}"),
    ],
)
def test_wrong_declarations_are_refused(declarations: Any, sentence: str) -> None:
    with pytest.raises(AssertionError) as error:
        _parsed("family.kernel", declarations, PARAMETERS)
    assert sentence in str(error.value)


def test_every_kernel_can_be_parsed() -> None:
    assert len(kernel_names()) >= 75
    assert {"pool.max_backward", "driver.run"} <= set(kernel_names())
