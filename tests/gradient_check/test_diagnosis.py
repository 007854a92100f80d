"""Each planted fault is rejected, and the report gives its first wrong element and its cause."""

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from handgrad.gradient_check.check import Report, check
from handgrad.gradient_check.diagnosis import likely_causes
from handgrad.gradient_check.diagnosis.inputs import arrays_in
from handgrad.gradient_check.finite_differences import every_element
from handgrad.gradient_check.target import Target, gradients
from handgrad.gradient_check.user_layer import load_user_layer
from handgrad.layers import Array, Dense, Params

FAULTS = sorted((Path(__file__).parent / "faults").glob("*.py"))
NAMED_AT_LEAST = 22


def planted(file: Path) -> Any:
    """Import the file of a fault, and return the names that it defines."""
    return SimpleNamespace(**runpy.run_path(str(file)))


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    return {file.stem: check(load_user_layer(f"{file}:Faulty")) for file in FAULTS}


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 20


@pytest.mark.parametrize("file", FAULTS, ids=lambda file: file.stem)
def test_a_fault_is_rejected_and_its_first_wrong_element_named(
    file: Path, reports: dict[str, Report]
) -> None:
    fault, report = planted(file), reports[file.stem]
    assert not report.ok
    assert not report.broken
    wrong = {comparison.tensor: comparison for comparison in report.wrong}
    first = wrong[fault.TENSOR].first
    assert (first and first.index) == fault.FIRST


def test_causes_are_right(reports: dict[str, Report]) -> None:
    found = {name: {(c.name, c.tensor) for c in report.causes} for name, report in reports.items()}
    due = {file.stem: (planted(file).CAUSE, planted(file).TENSOR) for file in FAULTS}
    missed = {name: found[name] for name, cause in due.items() if cause not in found[name]}
    assert len(FAULTS) - len(missed) >= NAMED_AT_LEAST, missed


def test_the_sentence_has_the_details(reports: dict[str, Report]) -> None:
    sentences = {name: report.causes[0].sentence for name, report in reports.items()}
    assert sentences["extra_one_over_n"] == "it is divided by the 7 examples, but must not be"
    assert sentences["wrong_slope"] == "below zero the slope is 0.1, but must be 0.01"
    assert sentences["weight_decay"].startswith("0.01 times weight is added: this is weight decay")
    assert sentences["derivative_at_the_input"] == (
        "the derivative is taken at the input X, but must be taken at the output Y"
    )


def causes_of(spoil: Callable[[Array], Array]) -> list[str]:
    """Return the names of the causes found for a linear layer's mutated weight gradient."""

    class Mutated(Dense):
        def backward(self, params: Params, cache: Array, dY: Array) -> tuple[Array, Params]:
            dX, found = super().backward(params, cache, dY)
            return dX, found | {"weight": spoil(found["weight"])}

    target = Target("mutated", Mutated(3), (5,), 7)
    point = target.point(0, training=True)
    right = every_element(target.layer, point)
    return [c.name for c in likely_causes(target.layer, point, right, ["weight"])]


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda d: 3 * d[:2], "wrong shape"),
        (lambda d: d * np.nan, "not finite"),
        (lambda d: 1.7 * d, "wrong factor"),
        (lambda d: d / 2, "wrong factor"),
        (lambda d: -7 * d, "missing 1/N"),
        (lambda d: d[:, ::-1], "reversed"),
        (lambda d: np.stack([d, 0 * d]), "missing sum"),
        (lambda d: np.where(np.arange(5) == 2, 9, d), "in part"),
        (lambda d: np.sin(9 * d), None),
    ],
)
def test_the_name_of_a_cause(spoil, name) -> None:
    assert causes_of(spoil) == ([name] if name else [])


def test_correct_gradients_have_no_cause() -> None:
    target = Target("dense", Dense(3), (5,))
    assert check(target).causes == ()
    point = target.point(0, training=True)
    right = gradients(target.layer, point)
    assert set(right) == {"X", "weight", "bias"}


def test_arrays_of_a_cache_are_found_and_replaced_at_any_depth() -> None:
    a, b, c = np.zeros(1), np.ones(2), np.full(3, 2.0)
    cache = (a, {"b": b, "shape": (1, 2)}, [c, None])
    found = list(arrays_in(cache))
    assert [array.size for array, _ in found] == [1, 2, 3]
    other = found[2][1](np.full(3, 5.0))
    assert other[0] is a
    assert other[1] == {"b": b, "shape": (1, 2)}
    np.testing.assert_array_equal(other[2][0], [5, 5, 5])
