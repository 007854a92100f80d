"""Calls of single kernels: arguments by name, and read-only arrays that stay unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad.engines.compiled.jit import signatures
from handgrad.engines.compiled.jit.direct_call import call_kernel

X = np.ones(3, np.float32)


def test_arrays_are_changed_in_place() -> None:
    Y = np.zeros(4, np.float32)
    call_kernel("chain.copy", X=X, Y=Y, count=3)
    assert Y.tolist() == [1, 1, 1, 0]


def test_a_missing_or_unknown_argument_is_named() -> None:
    with pytest.raises(TypeError, match=r"chain\.copy takes X, Y, count; wrong: Z, count"):
        call_kernel("chain.copy", X=X, Y=X, Z=3)


def test_an_array_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="the kernel takes Floats, not an array of float64"):
        call_kernel("chain.copy", X=X.astype(np.float64), Y=X, count=3)


def test_a_kernel_that_writes_to_a_read_only_argument_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = signatures.signature("chain.copy")
    reads = dict.fromkeys(declared.accesses, signatures.Access("reads"))
    changed = declared._replace(accesses=reads)
    monkeypatch.setitem(signatures._signatures("chain"), "copy", changed)
    with pytest.raises(AssertionError, match=r"chain\.copy changed Y, which it only reads"):
        call_kernel("chain.copy", X=X, Y=np.zeros(3, np.float32), count=3)
