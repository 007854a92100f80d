"""Suspects that compare sizes: a factor, a sign, a term that was added or left out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from handgrad.gradient_check.diagnosis.evidence import Cause, Scene, close
from handgrad.layers import Array, Shape


def not_finite(scene: Scene) -> Cause | None:
    """The gradient holds NaN or infinity."""
    if np.isfinite(scene.found).all():
        return None
    where = tuple(map(int, np.argwhere(~np.isfinite(scene.found))[0]))
    return Cause("not finite", f"NaN or infinity, first at {list(where)}")


def forgotten(scene: Scene) -> Cause | None:
    """The gradient is zero, or was not returned."""
    if scene.found.any() or scene.found.shape != scene.due.shape:
        return None
    return Cause("forgotten gradient", f"the gradient of {scene.tensor} is zero: it is forgotten")


def not_summed(scene: Scene) -> Cause | None:
    """The gradient has the examples' axis still: it was not summed."""
    found, due = scene.found, scene.due
    for axis in range(found.ndim):
        if found.ndim > due.ndim and close(found.sum(axis=axis), due):
            return Cause("sum forgotten", f"the sum over axis {axis} is forgotten")
    return None


def constant(scene: Scene) -> Cause | None:
    """The gradient is right but for a factor."""
    found, due = scene.found, scene.due
    if found.shape != due.shape or not due.any():
        return None
    factor = float(np.vdot(due, found) / np.vdot(due, due))
    left, off = np.linalg.norm(found - factor * due), np.linalg.norm(found - due)
    return recognised(factor, scene) if close(factor * due, found) and left < off / 10 else None


def recognised(factor: float, scene: Scene) -> Cause:
    """Return what a factor that should be 1 says."""
    if _is(factor, -1):
        return Cause("wrong sign", "the sign is wrong")
    sign, size = "the sign is wrong, and " if factor < 0 else "", abs(factor)
    known = dict(_factors_by_size(scene))
    name, words = next(
        (cause for other, cause in known.items() if _is(size, other)),
        ("wrong factor", f"it is {_in_digits(size)} times what it should be"),
    )
    return Cause(name, sign + words)


def _factors_by_size(scene: Scene) -> Iterator[tuple[float, tuple[str, str]]]:
    """Yield factors that one may have too many, with what they say; the likelier come later."""
    yield 0.5, ("wrong factor", "it is half of what it should be")
    yield 2.0, ("counted twice", "it is counted twice")
    for what, setting in _settings(scene).items():
        words = f"{what} = {setting:g} is missing"
        yield setting, ("missing factor", f"a division by {words}")
        yield 1 / setting, ("missing factor", f"the factor {words}")
    for what, count in reversed(scene.sizes.items()):
        of_batch = what == "examples"
        words = f"a division by the {count} {what} is missing"
        yield count, ("missing 1/N" if of_batch else "sum instead of mean", words)
        words = f"it is divided by the {count} {what}, and must not be"
        yield 1 / count, ("extra 1/N" if of_batch else "mean instead of sum", words)


def decay(scene: Scene) -> Cause | None:
    """A multiple of the array itself, or of its signs, was added."""
    if scene.found.shape != scene.due.shape:
        return None
    extra = scene.found - scene.due
    for what, term in (("", scene.value), ("the signs of ", np.sign(scene.value))):
        share = float(np.vdot(term, extra) / (np.vdot(term, term) or 1))
        if close(share * term, extra):
            return Cause(
                "weight decay",
                f"{share:.4g} times {what}{scene.tensor} is added: weight decay that the forward "
                "pass does not have; it belongs to the optimizer",
            )
    return None


def missing_term(scene: Scene) -> Cause | None:
    """The cotangent itself, as a shortcut would pass it on, is missing or was added."""
    dY = scene.point.dY
    if scene.tensor != "X" or not scene.found.shape == scene.due.shape == dY.shape:
        return None
    if close(scene.found + dY, scene.due):
        return Cause("missing term", "dY is not added: the way through the shortcut is forgotten")
    if close(scene.found - dY, scene.due):
        return Cause("term too many", "dY is added, as if there were a shortcut")
    return None


def unused(scene: Scene) -> Cause | None:
    """The gradient is the cotangent itself: nothing was differentiated."""
    if scene.tensor == "X" and scene.fits(scene.point.dY):
        return Cause("derivative missing", "dX is dY itself: the derivative is missing")
    return None


def array_factor(scene: Scene) -> Cause | None:
    """A factor that is an array is missing, or stands there once too often."""
    found, due = scene.found, scene.due
    if found.shape != due.shape:
        return None
    for name, factor in _factors(scene).items():
        if close(found * factor, due):
            kind = "dY ignored" if name == "dY" else "missing factor"
            return Cause(kind, f"the factor {name} is missing")
        if close(due * factor, found):
            return Cause("factor too many", f"the factor {name} is there once too often")
    return None


def slope(scene: Scene) -> Cause | None:
    """The gradient is right on one side of zero, and off by a factor on the other."""
    found, due, dY, X = scene.found, scene.due, scene.point.dY, scene.point.X
    if scene.tensor != "X" or not found.shape == due.shape == dY.shape:
        return None
    for side, here in (("below", X < 0), ("above", X > 0)):
        if close(found[here], due[here]) or not close(found[~here], due[~here]):
            continue
        ours, right = found[here] / dY[here], due[here] / dY[here]
        if np.ptp(ours) < 1e-6 and np.ptp(right) < 1e-6:
            return Cause(
                "wrong slope",
                f"{side} zero the slope is {ours.mean():.6g}, and must be {right.mean():.6g}",
            )
    return None


def one_side(scene: Scene) -> Cause | None:
    """The gradient is right on one side of zero only."""
    found, due, X = scene.found, scene.due, scene.point.X
    if scene.tensor != "X" or found.shape != due.shape:
        return None
    for side, here in (("below", X < 0), ("above", X > 0)):
        if close(found[~here], due[~here]):
            return Cause("wrong side", f"it is right except where X is {side} zero")
    return None


def _settings(scene: Scene) -> dict[str, float]:
    """Return numbers that follow from the layer's settings, none of them 0 or 1."""
    fields = vars(scene.layer) if hasattr(scene.layer, "__dict__") else {}
    numbers = {k: float(v) for k, v in fields.items() if isinstance(v, (int, float))}
    numbers |= {f"(1 - {name})": 1 - value for name, value in numbers.items()}
    return {name: value for name, value in numbers.items() if value > 0 and value != 1}


def _factors(scene: Scene) -> dict[str, Array]:
    """Return arrays that may be factors of the gradient, shaped to lie along it."""
    pool = {"dY": scene.point.dY, "X": scene.point.X, "Y": scene.Y, "(1 - Y)": 1 - scene.Y}
    pool |= {name: a for name, a in scene.point.params.items() if isinstance(a, np.ndarray)}
    shape = scene.due.shape
    along = {
        name: a.reshape(1, -1, *(1,) * (len(shape) - 2)) if a.ndim == 1 < len(shape) else a
        for name, a in pool.items()
    }
    return {name: a for name, a in along.items() if _lies_along(a.shape, shape)}


def _lies_along(shape: Shape, whole: Shape) -> bool:
    """Say whether an array of one shape can be multiplied into one of another and keep it."""
    sizes = zip(shape, whole, strict=False)
    return len(shape) == len(whole) and all(size in (1, due) for size, due in sizes)


def _in_digits(size: float) -> str:
    """Return a factor with as many digits as tell it from 1."""
    return f"{size:.6g}" if abs(size - 1) > 1e-4 else f"{size:.9g}"


def _is(number: float, other: float) -> bool:
    return abs(number - other) <= 1e-5 * abs(other)
