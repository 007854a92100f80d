"""Runs the tests that ONNX publishes for its operators."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from conformance.cases.onnx_operators import OPERATORS, Case
from conformance.cases.result import NotApplicableError, Result, require
from handgrad.layers import Array

LIMIT = 1e-5  # relative, in float32
NEAR_ZERO = 1e-7  # the largest error of a number that should be zero

WINDOWS = ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "BatchNormalization")
LOSSES = ("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss")


def onnx_results() -> list[Result]:
    """Run the selected cases.

    Raises:
        MissingExtraError: if onnx is not installed.
    """
    return [run(case) for case in all_cases() if selected(case)]


def all_cases() -> list[Case]:
    """Return all ONNX cases of our operators, in the order of `OPERATORS`."""
    loader = require("onnx.backend.test.loader", "onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ONNX computes its numbers on loading, some with overflow
        found = loader.load_model_tests(kind="node")
    cases = [_case(test) for test in found if _operator(test) in OPERATORS]
    return sorted(cases, key=lambda case: list(OPERATORS).index(case.operator))


def selected(case: Case) -> bool:
    """Return whether an ONNX case is within the scope of this comparison.

    The scope is limited to float32 arrays with at most four axes; window operators on images
    (N, C, H, W) without dilation and ceil_mode; and losses of logits (N, K).
    """
    X = case.inputs[0]
    arrays = [x for x in case.inputs if x.ndim]
    if any(x.ndim > 4 for x in arrays) or X.dtype != np.float32:
        return False
    if case.operator in WINDOWS:
        odd = max(case.attributes.get("dilations", [1])) > 1 or case.attributes.get("ceil_mode")
        return X.ndim == 4 and not odd
    return case.operator not in LOSSES or X.ndim == 2


def run(case: Case) -> Result:
    """Compute a case with our code and compare the outputs, or say why the case does not apply."""
    try:
        ours = OPERATORS[case.operator](case)
    except NotApplicableError as reason:
        return Result(case.operator, case.name, None, LIMIT, str(reason))
    worst = max(error(*pair) for pair in zip(ours, case.outputs, strict=True))
    return Result(case.operator, case.name, worst, LIMIT)


def error(ours: Array, theirs: Array) -> float:
    """Return the largest relative error, or infinity if the shapes or dtypes differ."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return np.inf
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    excess = abs(ours - theirs) / (abs(theirs) + NEAR_ZERO / LIMIT)
    return float(excess.max(initial=0.0))


def _operator(test: Any) -> str:
    """Return the operator that a test is about, or an empty string if there are several."""
    nodes = test.model.graph.node
    return nodes[0].op_type if len(nodes) == 1 else ""


def _case(test: Any) -> Case:
    """Convert one of ONNX's tests to a case with NumPy arrays."""
    (node,) = test.model.graph.node
    helper = require("onnx.helper", "onnx")
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    ((inputs, outputs),) = test.data_sets
    name = test.name.removeprefix("test_")
    return Case(name, node.op_type, attributes, _arrays(inputs), _arrays(outputs))


def _arrays(tensors: list[Any]) -> list[Array]:
    """Convert tensors to NumPy arrays."""
    to_array = require("onnx.numpy_helper", "onnx").to_array
    return [
        np.asarray(t if isinstance(t, np.ndarray | np.generic) else to_array(t)) for t in tensors
    ]
