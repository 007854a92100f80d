"""Hypotheses about the size of the gradient: a factor, a sign, an extra or a missing term."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from handgrad.gradient_check.diagnosis.evidence import Cause, Evidence, close
from handgrad.layers import Array, Shape


def not_finite(evidence: Evidence) -> Cause | None:
    """Hypothesis: the gradient contains NaN or infinity."""
    if np.isfinite(evidence.actual).all():
        return None
    where = tuple(map(int, np.argwhere(~np.isfinite(evidence.actual))[0]))
    return Cause("not finite", f"NaN or infinity, first at {list(where)}")


def zero(evidence: Evidence) -> Cause | None:
    """Hypothesis: the gradient is zero."""
    if evidence.actual.any() or evidence.actual.shape != evidence.expected.shape:
        return None
    return Cause("missing gradient", f"the gradient of {evidence.tensor} is zero")


def not_summed(evidence: Evidence) -> Cause | None:
    """Hypothesis: the gradient still has the batch axis, because a sum is missing."""
    actual, expected = evidence.actual, evidence.expected
    for axis in range(actual.ndim):
        if actual.ndim > expected.ndim and close(actual.sum(axis=axis), expected):
            return Cause("missing sum", f"the sum over axis {axis} is missing")
    return None


def constant(evidence: Evidence) -> Cause | None:
    """Hypothesis: the gradient is right except for a constant factor."""
    actual, expected = evidence.actual, evidence.expected
    if actual.shape != expected.shape or not expected.any():
        return None
    factor = float(np.vdot(expected, actual) / np.vdot(expected, expected))
    left, off = np.linalg.norm(actual - factor * expected), np.linalg.norm(actual - expected)
    return (
        recognized(factor, evidence)
        if close(factor * expected, actual) and left < off / 10
        else None
    )


def recognized(factor: float, evidence: Evidence) -> Cause:
    """Return the cause that explains why a gradient is wrong by this factor."""
    if _is(factor, -1):
        return Cause("wrong sign", "the sign is wrong")
    sign, size = "the sign is wrong, and " if factor < 0 else "", abs(factor)
    known = dict(_factors_by_size(evidence))
    name, words = next(
        (cause for other, cause in known.items() if _is(size, other)),
        ("wrong factor", f"it is {_in_digits(size)} times what it should be"),
    )
    return Cause(name, sign + words)


def _factors_by_size(evidence: Evidence) -> Iterator[tuple[float, tuple[str, str]]]:
    """Yield possible wrong factors, each with its cause; the most likely ones come last."""
    yield 0.5, ("wrong factor", "it is half of what it should be")
    yield 2.0, ("counted twice", "it is counted twice")
    for name, setting in _settings(evidence).items():
        words = f"{name} = {setting:g} is missing"
        yield setting, ("missing factor", f"a division by {words}")
        yield 1 / setting, ("missing factor", f"the factor {words}")
    for name, count in reversed(evidence.sizes.items()):
        of_batch = name == "examples"
        words = f"a division by the {count} {name} is missing"
        yield count, ("missing 1/N" if of_batch else "sum instead of mean", words)
        words = f"it is divided by the {count} {name}, but must not be"
        yield 1 / count, ("extra 1/N" if of_batch else "mean instead of sum", words)


def decay(evidence: Evidence) -> Cause | None:
    """Hypothesis: a multiple of the array itself, or of its signs, is added to its gradient."""
    if evidence.actual.shape != evidence.expected.shape:
        return None
    extra = evidence.actual - evidence.expected
    for name, term in (("", evidence.value), ("the signs of ", np.sign(evidence.value))):
        share = float(np.vdot(term, extra) / (np.vdot(term, term) or 1))
        if close(share * term, extra):
            return Cause(
                "weight decay",
                f"{share:.4g} times {name}{evidence.tensor} is added: this is weight decay, which "
                "belongs in the optimizer",
            )
    return None


def missing_term(evidence: Evidence) -> Cause | None:
    """Hypothesis: the cotangent, which a shortcut adds, is missing or wrongly added."""
    dY = evidence.point.dY
    if evidence.tensor != "X" or not evidence.actual.shape == evidence.expected.shape == dY.shape:
        return None
    if close(evidence.actual + dY, evidence.expected):
        return Cause(
            "missing term", "dY is not added: the gradient through the shortcut is missing"
        )
    if close(evidence.actual - dY, evidence.expected):
        return Cause("extra term", "dY is added, as if there were a shortcut")
    return None


def product_rule(evidence: Evidence) -> Cause | None:
    """Hypothesis: of Y = X·g(X), only one of the two terms of the product rule is there.

    dX = dY·g(X) + dY·X·g'(X), and the first term is dY·Y/X.
    """
    X, dY, Y = evidence.point.X, evidence.point.dY, evidence.Y
    actual, expected = evidence.actual, evidence.expected
    if evidence.tensor != "X" or not actual.shape == expected.shape == dY.shape == Y.shape:
        return None
    if not X.all():
        return None
    term = dY * Y / X
    if close(actual, term):
        words = "the derivative of the second factor, dY·X·g'(X), is missing"
    elif close(expected - actual, term):
        words = "the derivative of the first factor, dY·g(X), is missing"
    else:
        return None
    return Cause("product rule", f"Y is a product X·g(X): {words}")


def unused(evidence: Evidence) -> Cause | None:
    """Hypothesis: backward returns the cotangent unchanged, without a derivative."""
    if evidence.tensor == "X" and evidence.fits(evidence.point.dY):
        return Cause("derivative missing", "dX is dY itself: the derivative is missing")
    return None


def array_factor(evidence: Evidence) -> Cause | None:
    """Hypothesis: an array is missing as a factor, or is a factor once too often."""
    actual, expected = evidence.actual, evidence.expected
    if actual.shape != expected.shape:
        return None
    for name, factor in _factors(evidence).items():
        if close(actual * factor, expected):
            kind = "dY ignored" if name == "dY" else "missing factor"
            return Cause(kind, f"the factor {name} is missing")
        if close(expected * factor, actual):
            return Cause("extra factor", f"the factor {name} is applied once too often")
    return None


def slope(evidence: Evidence) -> Cause | None:
    """Hypothesis: on one side of X = 0, the gradient is wrong by a factor."""
    actual, expected, dY, X = (
        evidence.actual,
        evidence.expected,
        evidence.point.dY,
        evidence.point.X,
    )
    if evidence.tensor != "X" or not actual.shape == expected.shape == dY.shape:
        return None
    for side, here in (("below", X < 0), ("above", X > 0)):
        if close(actual[here], expected[here]) or not close(actual[~here], expected[~here]):
            continue
        ours, right = actual[here] / dY[here], expected[here] / dY[here]
        if np.ptp(ours) < 1e-6 and np.ptp(right) < 1e-6:
            return Cause(
                "wrong slope",
                f"{side} zero the slope is {ours.mean():.6g}, but must be {right.mean():.6g}",
            )
    return None


def one_side(evidence: Evidence) -> Cause | None:
    """Hypothesis: the gradient is right only for positive X, or only for negative X."""
    actual, expected, X = evidence.actual, evidence.expected, evidence.point.X
    if evidence.tensor != "X" or actual.shape != expected.shape:
        return None
    for side, here in (("below", X < 0), ("above", X > 0)):
        if close(actual[~here], expected[~here]):
            return Cause("wrong side", f"it is right except where X is {side} zero")
    return None


def _settings(evidence: Evidence) -> dict[str, float]:
    """Return the numbers s in the layer's settings, and 1 − s for each, except 0 and 1."""
    fields = vars(evidence.layer) if hasattr(evidence.layer, "__dict__") else {}
    numbers = {k: float(v) for k, v in fields.items() if isinstance(v, (int, float))}
    numbers |= {f"(1 - {name})": 1 - value for name, value in numbers.items()}
    return {name: value for name, value in numbers.items() if value > 0 and value != 1}


def _factors(evidence: Evidence) -> dict[str, Array]:
    """Return the arrays that may be factors of the gradient, in shapes that broadcast with it."""
    pool = {
        "dY": evidence.point.dY,
        "X": evidence.point.X,
        "Y": evidence.Y,
        "(1 - Y)": 1 - evidence.Y,
    }
    pool |= {name: a for name, a in evidence.point.params.items() if isinstance(a, np.ndarray)}
    shape = evidence.expected.shape
    along = {
        name: a.reshape(1, -1, *(1,) * (len(shape) - 2)) if a.ndim == 1 < len(shape) else a
        for name, a in pool.items()
    }
    return {name: a for name, a in along.items() if _broadcasts(a.shape, shape)}


def _broadcasts(shape: Shape, whole: Shape) -> bool:
    """Return whether a shape broadcasts to another shape."""
    sizes = zip(shape, whole, strict=False)
    return len(shape) == len(whole) and all(size in (1, expected) for size, expected in sizes)


def _in_digits(size: float) -> str:
    """Format a factor with enough digits to distinguish it from 1."""
    return f"{size:.6g}" if abs(size - 1) > 1e-4 else f"{size:.9g}"


def _is(number: float, other: float) -> bool:
    return abs(number - other) <= 1e-5 * abs(other)
