"""All hypotheses, in the order in which they are tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from handgrad.gradient_check.diagnosis import alternatives, formulas, inputs, layout, scale
from handgrad.gradient_check.diagnosis.evidence import Cause, Evidence, close
from handgrad.gradient_check.target import Point, gradients
from handgrad.layers import Array, Layer

HYPOTHESES: tuple[Callable[[Evidence], Cause | None], ...] = (
    scale.not_finite,
    scale.zero,
    scale.not_summed,
    scale.unused,
    scale.constant,
    layout.swapped,
    layout.transposed,
    scale.decay,
    scale.missing_term,
    formulas.softmax,
    formulas.statistics,
    scale.product_rule,
    scale.array_factor,
    scale.slope,
    inputs.wrong_input,
    alternatives.alternative_point,
    layout.mask,
    layout.shifted,
    scale.one_side,
)


def likely_causes(
    layer: Layer, point: Point, right: Mapping[str, Array], wrong: list[str]
) -> tuple[Cause, ...]:
    """Return the likely causes of the wrong gradients, omitting gradients without a known cause.

    Args:
        layer: the layer that was checked.
        point: the point at which the layer was checked.
        right: the right gradients by name, with all elements.
        wrong: the names of the gradients that were rejected.
    """
    ours = gradients(layer, point)
    Y, _ = layer.forward(*point[:3])
    causes = []
    for tensor in wrong:
        if tensor not in ours:
            sentence = f"backward returns no gradient of {tensor}"
            causes.append(Cause("missing gradient", sentence, tensor))
            continue
        evidence = Evidence(tensor, layer, point, np.array(Y), ours, right)
        with np.errstate(all="ignore"):  # a wrong hypothesis may overflow
            cause = _cause(evidence)
        if cause:
            causes.append(cause._replace(tensor=tensor))
    return tuple(causes)


def _cause(evidence: Evidence) -> Cause | None:
    """Return the cause given by the first hypothesis that explains the wrong gradient.

    If the error is smaller than the tolerance of the hypotheses, only a wrong factor is considered.
    """
    if close(evidence.actual, evidence.expected):
        return scale.constant(evidence)
    causes = (hypothesis(evidence) for hypothesis in HYPOTHESES)
    return next((cause for cause in causes if cause), None) or _where(evidence)


def _where(evidence: Evidence) -> Cause | None:
    """If no hypothesis fits, say which part of the gradient is wrong."""
    actual, expected = evidence.actual, evidence.expected
    if actual.shape != expected.shape:
        return Cause("wrong shape", f"its shape is {actual.shape}, but must be {expected.shape}")
    for axis in range(expected.ndim):
        planes = [
            close(actual.take(k, axis), expected.take(k, axis)) for k in range(expected.shape[axis])
        ]
        if any(planes):
            bad = [k for k, fine in enumerate(planes) if not fine]
            return Cause(
                "in part", f"only index {', '.join(map(str, bad))} of axis {axis} is wrong"
            )
    return None
