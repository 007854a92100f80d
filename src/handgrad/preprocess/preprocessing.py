"""`Preprocessing`: a sequence of steps that is applied to images and can be saved as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.errors import DataError, ModelError
from handgrad.preprocess import background, ink, lines, steps, version1
from handgrad.preprocess.pixels import LARGEST, Pixels
from handgrad.preprocess.problems import Ink, Problem, problem


class Step(Protocol):
    """A step: a frozen dataclass that is called with an image (H, W, C) of dtype uint8."""

    title: ClassVar[str]

    def __call__(self, X: Pixels) -> Pixels:
        """Return the processed image."""


def _kinds(*modules: ModuleType) -> dict[str, Any]:
    """Return the steps that modules define or import, by name."""
    return {
        name: kind
        for module in modules
        for name, kind in vars(module).items()
        if isinstance(kind, type) and dataclasses.is_dataclass(kind)
    }


KINDS = _kinds(steps, background, ink, lines)
# The steps by version. A file without a version has version 1.
VERSIONS: dict[int, dict[str, Any]] = {1: version1.KINDS, 2: KINDS}
NEWEST = max(VERSIONS)
MAX_STEPS = 32
_KEYS = {"shape", "steps", "version", "ink", "for_arrays"}  # of a description


@dataclass(frozen=True)
class Preprocessing:
    """Converts an image to the form that a network takes.

    >>> from handgrad.preprocess import drawing
    >>> preprocessing = drawing(28)
    >>> preprocessing.apply(np.full((90, 120), 255, np.uint8)).shape
    (1, 28, 28)
    >>> Preprocessing.from_json(preprocessing.to_json()) == preprocessing
    True

    Attributes:
        shape: the shape of the result, (C, H, W), with C = 1 or 3.
        steps: the steps, in the order in which they are applied. All belong to one version.
        ink: "dark" or "light", if the training images have only dark or only light ink on their
            background; or None if they have both, or this is unknown.
        for_arrays: whether arrays of images are preprocessed in the same way as image files. If
            not, an array already has the form that the network takes.

    Raises:
        ModelError: if the steps do not produce images of this shape.
    """

    shape: tuple[int, int, int]
    steps: tuple[Step, ...]
    ink: Ink | None = None
    for_arrays: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", _as_shape(self.shape))
        object.__setattr__(self, "steps", tuple(self.steps))
        if len(self.steps) > MAX_STEPS:
            raise ModelError(
                f"a preprocessing has at most {MAX_STEPS} steps, not {len(self.steps)}"
            )
        if self.ink not in (None, "dark", "light"):
            raise ModelError(f"the ink of a preprocessing is dark or light, not {self.ink!r:.60}")
        if type(self.for_arrays) is not bool:
            raise ModelError(
                f"for_arrays of a preprocessing is true or false, not {self.for_arrays!r:.60}"
            )
        for step in self.steps:
            if not any(_belongs(step, kinds) for kinds in VERSIONS.values()):
                raise ModelError(
                    f"{step!r} is not a step of a preprocessing; the steps are {_known()}"
                )
        _ = self.version  # raises if the versions differ
        for probe in (np.zeros((3, 5, 4), np.uint8), np.zeros((1, 1, 1), np.uint8)):
            _, end = self.stages(probe)[-1]
            if _channels_first(end).shape != self.shape:
                raise ModelError(
                    f"the preprocessing produces images {_channels_first(end).shape}, "
                    f"not {self.shape}; add the missing steps"
                )

    @property
    def version(self) -> int:
        """The version of the steps: the lowest one to which all of them belong.

        Steps of version 1 resize with Pillow. Those of later versions use integers only.
        """
        for version, kinds in VERSIONS.items():
            if all(_belongs(step, kinds) for step in self.steps):
                return version
        raise ModelError("all steps of a preprocessing must be of the same version")

    def apply(self, image: ArrayLike) -> NDArray[np.uint8]:
        """Preprocess an image, and return it as (C, H, W) uint8.

        Args:
            image: (H, W) or (H, W, C) uint8, with C = 1 (grey), 2 (grey, alpha), 3 (red, green,
                blue) or 4 (red, green, blue, alpha).

        Raises:
            DataError: if the image has an unsupported shape or dtype.
        """
        return self.stages(image)[-1][1].transpose(2, 0, 1).copy()

    def apply_to_arrays(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Preprocess images (N, C, H, W), and return them as (N, C', H', W') uint8.

        Args:
            images: the images, uint8, with the channels of an image that `apply` accepts.

        Raises:
            DataError: if the images have an unsupported shape or dtype.
        """
        results = np.empty((len(images), *self.shape), np.uint8)
        for n, image in enumerate(images):
            results[n] = self.apply(image.transpose(1, 2, 0))
        return results

    def has_same_steps(self, other: Preprocessing | None) -> bool:
        """Return whether another preprocessing gives the same result for each image."""
        return other is not None and (self.shape, self.steps) == (other.shape, other.steps)

    def check(self, image: ArrayLike) -> tuple[NDArray[np.uint8], Problem | None]:
        """Preprocess an image, and return why it cannot be classified, if there is a reason.

        The problem is "nothing drawn" if the image is a blank sheet, possibly with dark edges. It
        is "lines across the image" if there is only a fold, or if a drawing cannot be separated
        from squared paper. It is "opposite polarity" if light and dark are swapped in comparison
        with the training images.

        Args:
            image: an image that `apply` accepts.

        Returns:
            The result of `apply`, and the problem or None.

        Raises:
            DataError: if the image has an unsupported shape or dtype.
        """
        stages = [X for _, X in self.stages(image)]
        kinds = [type(step).__name__ for step in self.steps]
        return stages[-1].transpose(2, 0, 1).copy(), problem(stages, kinds, self.ink)

    def problem(self, image: ArrayLike) -> Problem | None:
        """Return why an image cannot be classified, or None if it can, as `check` does."""
        return self.check(image)[1]

    def stages(self, image: ArrayLike) -> list[tuple[str, Pixels]]:
        """Return the image before the first step and after each step, with titles.

        Args:
            image: an image that `apply` accepts.

        Returns:
            The titles and the images, (H, W, C) uint8.

        Raises:
            DataError: if the image has an unsupported shape or dtype.
        """
        X = _as_image(image)
        stages = [("raw", X)]
        for step in self.steps:
            X = step(X)
            stages.append((step.title, X))
        return stages

    def to_json(self) -> dict[str, Any]:
        """Return a description that consists only of dicts, lists, strings and numbers."""
        described: dict[str, Any] = {"shape": list(self.shape)}
        described["steps"] = [*map(_describe, self.steps)]
        if self.version > 1:
            described["version"] = self.version
        if self.ink is not None:
            described["ink"] = self.ink
        if self.for_arrays:
            described["for_arrays"] = True
        return described

    @classmethod
    def from_json(cls, described: Any) -> Self:
        """Rebuild a preprocessing from the description that `to_json` returned.

        Raises:
            ModelError: if the description is invalid.
        """
        if not isinstance(described, Mapping) or not (
            {"shape", "steps"} <= described.keys() <= _KEYS
        ):
            raise ModelError(
                "the description of a preprocessing must contain shape and steps, and otherwise "
                "only version, ink and for_arrays"
            )
        if not isinstance(described["steps"], Sequence):
            raise ModelError("the steps of a preprocessing must be a list")
        version = described.get("version", 1)
        if type(version) is not int or version not in VERSIONS:
            raise ModelError(
                f"the version of the preprocessing is {version!r:.60}, but this version of "
                f"handgrad reads 1 to {NEWEST}; install a newer handgrad"
            )
        steps = tuple(_build(step, VERSIONS[version]) for step in described["steps"])
        return cls(
            described["shape"], steps, described.get("ink"), described.get("for_arrays", False)
        )


def _as_image(image: ArrayLike) -> Pixels:
    """Check an image, and return it as (H, W, C) uint8."""
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
    """Check a shape (C, H, W), and return it as a tuple."""
    sizes = tuple(shape) if isinstance(shape, Sequence) else ()
    in_range = all(type(size) is int and 1 <= size <= LARGEST for size in sizes)
    if len(sizes) != 3 or not in_range or sizes[0] not in (1, 3):
        raise ModelError(f"the shape of a preprocessed image must be (1 or 3, H, W), not {shape!r}")
    return sizes


def _describe(step: Any) -> dict[str, Any]:
    """Describe a step. Newer fields are omitted if they have their default values."""
    settings = {
        field.name: getattr(step, field.name)
        for field in dataclasses.fields(step)
        if not field.metadata.get("added_later") or getattr(step, field.name) != field.default
    }
    return {"kind": type(step).__name__, **settings}


def _belongs(step: Any, kinds: Mapping[str, Any]) -> bool:
    """Return whether a step is one of the given kinds."""
    return kinds.get(type(step).__name__) is type(step)


def _build(described: Any, kinds: Mapping[str, Any]) -> Step:
    """Build the step that a description defines."""
    if not isinstance(described, Mapping) or described.get("kind") not in kinds:
        raise ModelError(
            f"{described!r:.60} is not a step of a preprocessing; the steps are {_known()}"
        )
    kind = kinds[described["kind"]]
    given = {name: value for name, value in described.items() if name != "kind"}
    try:
        return kind(**given)
    except TypeError:
        fields = ", ".join(f.name for f in dataclasses.fields(kind))
        takes = f"the fields {fields}" if fields else "no fields"
        raise ModelError(
            f"a {described['kind']!r} step takes {takes}, but got {', '.join(given)}"
        ) from None


def _channels_first(X: Pixels) -> Pixels:
    return X.transpose(2, 0, 1)


def _known() -> str:
    return ", ".join(KINDS)
