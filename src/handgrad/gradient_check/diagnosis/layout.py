"""Suspects that compare places: the right numbers stand where they do not belong."""

from __future__ import annotations

from itertools import combinations, permutations, product

import numpy as np

from handgrad.gradient_check.diagnosis.evidence import Cause, Scene, close
from handgrad.layers import Array


def transposed(scene: Scene) -> Cause | None:
    """The axes are in another order, or run backwards."""
    found, due = scene.found, scene.due
    for order in permutations(range(due.ndim)):
        turned = due.transpose(order)
        if order != tuple(range(due.ndim)) and turned.size == found.size:
            reshaped = turned.reshape(found.shape)
            if close(turned, found) or (
                order[::-1] == tuple(range(due.ndim)) and close(reshaped, found)
            ):
                return Cause("transposed", f"it is transposed: its axes are those of {order}")
    for count in range(1, due.ndim + 1):
        for axes in combinations(range(due.ndim), count):
            if close(np.flip(due, axes), found):
                return Cause("reversed", f"it runs backwards along axis {_list(axes)}")
    return None


def shifted(scene: Scene) -> Cause | None:
    """All is moved by one or two places; what came in at the border does not matter."""
    found, due = scene.found, scene.due
    if found.shape != due.shape:
        return None
    for moves in product(range(-2, 3), repeat=min(due.ndim, 2)):
        if not any(moves):
            continue
        ours, right = _overlap(found, due, moves)
        if ours.size >= due.size / 3 and right.any() and close(ours, right):
            where = " and ".join(
                f"{move:+d} along axis {axis}"
                for axis, move in zip(range(due.ndim - len(moves), due.ndim), moves, strict=True)
                if move
            )
            return Cause("shifted", f"it is shifted by {where}: look at padding and stride")
    return None


def swapped(scene: Scene) -> Cause | None:
    """It is the gradient of another array."""
    for name, other in scene.right.items():
        if name != scene.tensor and scene.fits(other):
            return Cause("swapped", f"it is the gradient of {name}: the two are swapped")
    return None


def mask(scene: Scene) -> Cause | None:
    """The cotangent reaches other elements than the forward pass took."""
    found, due = scene.found, scene.due
    if found.shape != due.shape or scene.tensor != "X":
        return None
    ours, right = found != 0, abs(due) > 1e-7 * abs(due).max()
    both = ours & right
    if right.all() or not both.any() or not close(found[both], due[both]):
        return None
    if ours.all():
        return Cause("mask ignored", "elements that the forward pass drops get a gradient too")
    return Cause("wrong mask", "it reaches other elements than those that the forward pass took")


def _overlap(found: Array, due: Array, moves: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the parts that lie on each other when `due` is moved along its last axes."""
    ours, right = [slice(None)] * due.ndim, [slice(None)] * due.ndim
    for axis, move in zip(range(due.ndim - len(moves), due.ndim), moves, strict=True):
        size = due.shape[axis]
        ours[axis] = slice(max(move, 0), size + min(move, 0))
        right[axis] = slice(max(-move, 0), size + min(-move, 0))
    return found[tuple(ours)], due[tuple(right)]


def _list(axes: tuple[int, ...]) -> str:
    return " and ".join(map(str, axes))
