"""All suspects, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from handgrad.gradient_check.diagnosis import alternatives as worlds
from handgrad.gradient_check.diagnosis import formulas, scale
from handgrad.gradient_check.diagnosis import inputs as repair
from handgrad.gradient_check.diagnosis import layout as place
from handgrad.gradient_check.diagnosis.evidence import Cause, Scene, close
from handgrad.gradient_check.target import Point, gradients
from handgrad.layers import Array, Layer

SUSPECTS: tuple[Callable[[Scene], Cause | None], ...] = (
    scale.not_finite,
    scale.forgotten,
    scale.not_summed,
    scale.unused,
    scale.constant,
    place.swapped,
    place.transposed,
    scale.decay,
    scale.missing_term,
    formulas.softmax,
    formulas.statistics,
    scale.array_factor,
    scale.slope,
    repair.mended,
    worlds.another_world,
    place.mask,
    place.shifted,
    scale.one_side,
)


def likely_causes(
    layer: Layer, point: Point, right: Mapping[str, Array], wrong: list[str]
) -> tuple[Cause, ...]:
    """Return the likely cause of each wrong gradient for which one is found.

    Args:
        layer: the layer.
        point: where it is judged.
        right: all gradients as they should be, whole.
        wrong: the names of those that were rejected.
    """
    ours = gradients(layer, point)
    Y, _ = layer.forward(*point[:3])
    found = []
    for tensor in wrong:
        if tensor not in ours:
            sentence = f"backward returns no gradient of {tensor}: it is forgotten"
            found.append(Cause("forgotten gradient", sentence, tensor))
            continue
        scene = Scene(tensor, layer, point, np.array(Y), ours, right)
        with np.errstate(all="ignore"):  # what is tried need not make sense
            cause = _cause(scene)
        if cause:
            found.append(cause._replace(tensor=tensor))
    return tuple(found)


def _cause(scene: Scene) -> Cause | None:
    """Return the cause that the first suspect gives.

    What is off by less than a cause must fit can be no more than off by a factor.
    """
    if close(scene.found, scene.due):
        return scale.constant(scene)
    answers = (suspect(scene) for suspect in SUSPECTS)
    return next((answer for answer in answers if answer), None) or _where(scene)


def _where(scene: Scene) -> Cause | None:
    """Return in which part the wrong elements lie, where no suspect knows more."""
    found, due = scene.found, scene.due
    if found.shape != due.shape:
        return Cause("wrong shape", f"it is {found.shape}, and must be {due.shape}")
    for axis in range(due.ndim):
        planes = [close(found.take(k, axis), due.take(k, axis)) for k in range(due.shape[axis])]
        if any(planes):
            bad = [k for k, fine in enumerate(planes) if not fine]
            return Cause(
                "in part", f"only index {', '.join(map(str, bad))} of axis {axis} is wrong"
            )
    return None
