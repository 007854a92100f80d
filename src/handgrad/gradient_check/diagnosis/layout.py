"""Hypotheses about the layout: the values are right, but in the wrong positions."""

from __future__ import annotations

from itertools import combinations, permutations, product

import numpy as np

from handgrad.gradient_check.diagnosis.evidence import Cause, Evidence, close
from handgrad.layers import Array


def transposed(evidence: Evidence) -> Cause | None:
    """Hypothesis: the axes of the gradient are in the wrong order, or reversed."""
    actual, expected = evidence.actual, evidence.expected
    for order in permutations(range(expected.ndim)):
        turned = expected.transpose(order)
        if order != tuple(range(expected.ndim)) and turned.size == actual.size:
            reshaped = turned.reshape(actual.shape)
            if close(turned, actual) or (
                order[::-1] == tuple(range(expected.ndim)) and close(reshaped, actual)
            ):
                return Cause("transposed", f"it is transposed: its axes are in the order {order}")
    for count in range(1, expected.ndim + 1):
        for axes in combinations(range(expected.ndim), count):
            if close(np.flip(expected, axes), actual):
                return Cause("reversed", f"it is reversed along axis {_list(axes)}")
    return None


def shifted(evidence: Evidence) -> Cause | None:
    """Hypothesis: all elements are shifted by one or two positions; the border is ignored."""
    actual, expected = evidence.actual, evidence.expected
    if actual.shape != expected.shape:
        return None
    for shifts in product(range(-2, 3), repeat=min(expected.ndim, 2)):
        if not any(shifts):
            continue
        ours, right = _overlap(actual, expected, shifts)
        if ours.size >= expected.size / 3 and right.any() and close(ours, right):
            where = " and ".join(
                f"{shift:+d} along axis {axis}"
                for axis, shift in zip(
                    range(expected.ndim - len(shifts), expected.ndim), shifts, strict=True
                )
                if shift
            )
            return Cause("shifted", f"it is shifted by {where}: check padding and stride")
    return None


def swapped(evidence: Evidence) -> Cause | None:
    """Hypothesis: the gradient of an array is the right gradient of another array."""
    for name, other in evidence.right.items():
        if name != evidence.tensor and evidence.fits(other):
            return Cause("swapped", f"it is the gradient of {name}: the two are swapped")
    return None


def mask(evidence: Evidence) -> Cause | None:
    """Hypothesis: elements that forward did not use have a nonzero gradient."""
    actual, expected = evidence.actual, evidence.expected
    if actual.shape != expected.shape or evidence.tensor != "X":
        return None
    ours, right = actual != 0, abs(expected) > 1e-7 * abs(expected).max()
    both = ours & right
    if right.all() or not both.any() or not close(actual[both], expected[both]):
        return None
    if ours.all():
        return Cause("mask ignored", "elements that the forward pass drops have a gradient too")
    return Cause("wrong mask", "it is nonzero at elements that the forward pass did not use")


def _overlap(actual: Array, expected: Array, shifts: tuple[int, ...]) -> tuple[Array, Array]:
    """Shift `expected` along its last axes, and return the overlap: a part of each array."""
    ours, right = [slice(None)] * expected.ndim, [slice(None)] * expected.ndim
    for axis, shift in zip(range(expected.ndim - len(shifts), expected.ndim), shifts, strict=True):
        size = expected.shape[axis]
        ours[axis] = slice(max(shift, 0), size + min(shift, 0))
        right[axis] = slice(max(-shift, 0), size + min(-shift, 0))
    return actual[tuple(ours)], expected[tuple(right)]


def _list(axes: tuple[int, ...]) -> str:
    return " and ".join(map(str, axes))
