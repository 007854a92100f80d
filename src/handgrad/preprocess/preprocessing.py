"""The steps in order, applied to an image, and written down as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.errors import DataError, ModelError
from handgrad.preprocess import background as paper
from handgrad.preprocess import ink, steps
from handgrad.preprocess.pixels import LARGEST, Pixels


class Step(Protocol):
    """Something done to an image (H, W, C) uint8; a frozen dataclass of this room."""

    title: ClassVar[str]

    def __call__(self, X: Pixels) -> Pixels:
        """Return another image."""


KINDS: dict[str, Any] = {
    name: kind
    for room in (steps, paper, ink)
    for name, kind in vars(room).items()
    if dataclasses.is_dataclass(kind)
}
MOST_STEPS = 32


@dataclass(frozen=True)
class Preprocessing:
    """What is done to an image before a network sees it.

    >>> from handgrad.preprocess import drawing
    >>> prepare = drawing(28)
    >>> prepare.apply(np.full((90, 120), 255, np.uint8)).shape
    (1, 28, 28)
    >>> Preprocessing.from_json(prepare.to_json()) == prepare
    True

    Attributes:
        shape: that of the image a network sees, (C, H, W), C being 1 or 3.
        steps: what is done, in order.

    Raises:
        ModelError: if the steps do not lead to the shape.
    """

    shape: tuple[int, int, int]
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", _as_shape(self.shape))
        object.__setattr__(self, "steps", tuple(self.steps))
        if len(self.steps) > MOST_STEPS:
            raise ModelError(
                f"a preprocessing has at most {MOST_STEPS} steps, not {len(self.steps)}"
            )
        for step in self.steps:
            if KINDS.get(type(step).__name__) is not type(step):
                raise ModelError(f"{step!r} is no step of a preprocessing; there are {_known()}")
        for probe in (np.zeros((3, 5, 4), np.uint8), np.zeros((1, 1, 1), np.uint8)):
            _, end = self.stages(probe)[-1]
            if _channels_first(end).shape != self.shape:
                raise ModelError(
                    f"the preprocessing ends in images {_channels_first(end).shape}, "
                    f"not {self.shape}; add the steps that are missing"
                )

    def apply(self, image: ArrayLike) -> NDArray[np.uint8]:
        """Return what a network sees of an image, (C, H, W) uint8.

        Args:
            image: (H, W) or (H, W, C) uint8, C being 1 (grey), 2 (grey, opacity), 3 (red, green,
                blue) or 4 (with opacity).

        Raises:
            DataError: if it is no such array.
        """
        return self.stages(image)[-1][1].transpose(2, 0, 1).copy()

    def stages(self, image: ArrayLike) -> list[tuple[str, Pixels]]:
        """Return the image itself and what each step makes of it, with titles.

        Args:
            image: as `apply` takes it.

        Returns:
            The titles and the images, (H, W, C) uint8.

        Raises:
            DataError: if it is no such array.
        """
        X = _as_image(image)
        stages = [("raw", X)]
        for step in self.steps:
            X = step(X)
            stages.append((step.title, X))
        return stages

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"shape": list(self.shape), "steps": [*map(_described, self.steps)]}

    @classmethod
    def from_json(cls, described: Any) -> Self:
        """Return what `to_json` described.

        Raises:
            ModelError: if it describes none.
        """
        if not isinstance(described, Mapping) or described.keys() != {"shape", "steps"}:
            raise ModelError("a preprocessing is described by its shape and its steps alone")
        if not isinstance(described["steps"], Sequence):
            raise ModelError("the steps of a preprocessing must be a list")
        return cls(described["shape"], tuple(map(_built, described["steps"])))


def _as_image(image: ArrayLike) -> Pixels:
    """Return an image as (H, W, C) uint8."""
    X = np.asarray(image)
    if X.ndim == 2:
        X = X[:, :, None]
    if X.ndim != 3 or X.dtype != np.uint8 or X.shape[2] not in (1, 2, 3, 4) or X.size == 0:
        raise DataError(
            f"an image must be uint8 (H, W) or (H, W, C) with 1 to 4 channels, "
            f"not {X.dtype} {X.shape}"
        )
    return X


def _as_shape(shape: Any) -> tuple[int, int, int]:
    """Return the shape of what a network sees, checked."""
    sizes = tuple(shape) if isinstance(shape, Sequence) else ()
    whole = all(type(size) is int and 1 <= size <= LARGEST for size in sizes)
    if len(sizes) != 3 or not whole or sizes[0] not in (1, 3):
        raise ModelError(f"the shape of a prepared image must be (1 or 3, H, W), not {shape!r}")
    return sizes


def _described(step: Any) -> dict[str, Any]:
    """Return a step as JSON can hold it; what files once did not have is left out where it can."""
    settings = {
        field.name: getattr(step, field.name)
        for field in dataclasses.fields(step)
        if not field.metadata.get("later") or getattr(step, field.name) != field.default
    }
    return {"kind": type(step).__name__, **settings}


def _built(described: Any) -> Step:
    """Return a step of its description."""
    if not isinstance(described, Mapping) or described.get("kind") not in KINDS:
        raise ModelError(f"{described!r:.60} is no step of a preprocessing; there are {_known()}")
    kind = KINDS[described["kind"]]
    given = {name: value for name, value in described.items() if name != "kind"}
    try:
        return kind(**given)
    except TypeError:
        fields = ", ".join(f.name for f in dataclasses.fields(kind)) or "no settings"
        raise ModelError(
            f"a step {described['kind']} has {fields}, not {', '.join(given)}"
        ) from None


def _channels_first(X: Pixels) -> Pixels:
    return X.transpose(2, 0, 1)


def _known() -> str:
    return ", ".join(KINDS)
