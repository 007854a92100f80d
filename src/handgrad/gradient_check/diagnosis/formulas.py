"""Hypotheses about two formulas that are often implemented wrongly: batch norm and softmax."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from handgrad.gradient_check.diagnosis.alternatives import standardized
from handgrad.gradient_check.diagnosis.evidence import Cause, Evidence, close
from handgrad.layers import Array


def statistics(evidence: Evidence) -> Cause | None:
    """Hypothesis: the terms of mean and variance are missing, or are sums instead of means.

    With g = s·dY, dX = g − mean(g) − X̂ mean(g X̂). The actual weights of the two terms are compared
    with the expected weights for each feature.
    """
    X, dY, actual, expected = (
        evidence.point.X,
        evidence.point.dY,
        evidence.actual,
        evidence.expected,
    )
    if (
        evidence.tensor != "X"
        or not actual.shape == expected.shape == dY.shape
        or not evidence.point.ctx[0]
    ):
        return None
    for axes in ((0, *range(2, X.ndim)), tuple(range(1, X.ndim)), (0,)):
        terms = [dY, np.ones_like(X), _standardized(X, axes)]
        right, misfit = _weights(expected, terms, axes)
        ours, other = _weights(actual, terms, axes)
        enough = int(np.prod([X.shape[axis] for axis in axes])) > len(terms)
        if not enough or max(misfit, other) > 1e-5 or not close(ours[0], right[0]):
            continue
        if _weights(expected, [dY, X], axes)[1] < 1e-5:
            return _about_norm(actual, dY, X, axes)
        count = int(np.prod([X.shape[axis] for axis in axes]))
        return _about_statistics(ours, right, count, _over(axes, X.ndim))
    return None


def _about_norm(actual: Array, dY: Array, X: Array, axes: tuple[int, ...]) -> Cause | None:
    """Return the cause if dX lacks its part along X, which Y = X/‖X‖ requires."""
    if _weights(actual, [dY], axes)[1] > 1e-5:
        return None
    words = f"the norm {_over(axes, X.ndim)} is treated as constant: dX lacks the part along X"
    return Cause("norm as constant", words)


def _over(axes: tuple[int, ...], ndim: int) -> str:
    """Describe in words the axes over which a mean is taken."""
    if axes == tuple(range(1, ndim)):
        return f"of each example (over {_words(axes)})"
    return "of the batch" if axes == (0, *range(2, ndim)) else f"over {_words(axes)}"


def _about_statistics(ours: Array, right: Array, count: int, over: str) -> Cause | None:
    """Return the cause, given the weights of the mean and variance terms."""
    names = ("mean", "variance")
    due = [name for name, weight in zip(names, right[1:], strict=True) if _matters(weight, right)]
    gone = [
        name
        for name, weight in zip(names, ours[1:], strict=True)
        if name in due and not _matters(weight, right)
    ]
    if gone:
        both = " and ".join(gone)
        return Cause(
            "statistics as constants",
            f"the {both} {over} {'are' if len(gone) > 1 else 'is'} treated as constant: "
            "dX lacks the terms for the dependence on X",
        )
    for name, found, weight in zip(names, ours[1:], right[1:], strict=True):
        if name in due and close(found, count * weight):
            return Cause(
                "sum instead of mean",
                f"the term of the {name} is a sum over {count}, but must be a mean",
            )
        if name in due and close(found, -weight):
            return Cause("wrong sign", f"the term of the {name} has the wrong sign")
    return None


def softmax(evidence: Evidence) -> Cause | None:
    """Hypothesis: softmax's gradient, P·(dY − Σ dY·P), uses a wrong axis or lacks a term."""
    dY, P = evidence.point.dY, evidence.Y
    if evidence.tensor != "X" or P.shape != dY.shape or P.ndim < 2:
        return None
    every = tuple(range(P.ndim))
    axis = next((k for k in every if close(_softmax_back(P, dY, (k,)), evidence.expected)), None)
    if axis is None:
        return _log_softmax(evidence)
    for axes in _axes(P.ndim):
        for probabilities in (P, _softmax(evidence.point.X, axes)):
            if axes != (axis,) and evidence.fits(_softmax_back(probabilities, dY, axes)):
                return Cause("wrong axis", f"softmax is over {_words(axes)}, not axis {axis}")
    if evidence.fits(dY * P * (1 - P)):
        return Cause("diagonal only", "only the diagonal of softmax's Jacobian, P(1 − P), is used")
    return None


def _log_softmax(evidence: Evidence) -> Cause | None:
    """Hypothesis: the gradient of log-softmax, dY − P Σ dY, uses the wrong axis."""
    dY, P = evidence.point.dY, np.exp(np.minimum(evidence.Y, 0))

    def back(P: Array, axes: tuple[int, ...]) -> Array:
        return dY - P * dY.sum(axis=axes, keepdims=True)

    axis = next((k for k in range(P.ndim) if close(back(P, (k,)), evidence.expected)), None)
    for axes in _axes(P.ndim) if axis is not None else ():
        for probabilities in (P, _softmax(evidence.point.X, axes)):
            if axes != (axis,) and evidence.fits(back(probabilities, axes)):
                return Cause("wrong axis", f"softmax is over {_words(axes)}, not axis {axis}")
    return None


def _axes(ndim: int) -> Iterator[tuple[int, ...]]:
    for count in range(1, ndim + 1):
        yield from combinations(range(ndim), count)


def _words(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else "several axes at once"


def _softmax(X: Array, axes: tuple[int, ...]) -> Array:
    exp = np.exp(X - X.max(axis=axes, keepdims=True))
    return exp / exp.sum(axis=axes, keepdims=True)


def _softmax_back(P: Array, dY: Array, axes: tuple[int, ...]) -> Array:
    return P * (dY - (dY * P).sum(axis=axes, keepdims=True))


def _standardized(X: Array, axes: tuple[int, ...]) -> Array:
    if axes == (0, *range(2, X.ndim)):
        return standardized(X)
    deviation: Array = X - X.mean(axis=axes, keepdims=True)
    return deviation / (deviation.std(axis=axes, keepdims=True) + 1e-12)


def _weights(gradient: Array, terms: list[Array], axes: tuple[int, ...]) -> tuple[Array, float]:
    """Return the weights of the terms, (terms, features), and the unexplained fraction."""

    def by_feature(array: Array) -> Array:
        kept = [axis for axis in range(array.ndim) if axis not in axes]
        shape = (int(np.prod([array.shape[axis] for axis in kept])), -1)
        return array.transpose(*kept, *axes).reshape(shape)

    target, columns = by_feature(gradient), np.stack([by_feature(t) for t in terms], axis=2)
    weights = np.stack([np.linalg.lstsq(c, t)[0] for c, t in zip(columns, target, strict=True)])
    left = np.einsum("fmt,ft->fm", columns, weights) - target
    return weights.T, float(np.linalg.norm(left) / (np.linalg.norm(target) or 1))


def _matters(weight: Array, right: Array) -> bool:
    return float(np.linalg.norm(weight)) > 1e-6 * float(np.linalg.norm(right[0]))
