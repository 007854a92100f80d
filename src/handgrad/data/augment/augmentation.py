"""How images are changed a little, at random, before a network learns from them."""

from __future__ import annotations

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from handgrad.errors import ConfigError

# The largest value of each setting that is a number; the least is 0.
MOST = {
    "shift": 1.0,
    "rotation": 180.0,
    "scale": 1.0,
    "stretch": 1.0,
    "shear": 1.0,
    "elastic": 0.5,
    "smoothness": 1.0,
    "erase": 1.0,
    "stroke": 1.0,
    "contrast": 1.0,
}
SMOOTHNESS = 1 / 16  # the least: 16 waves across an image


@dataclass(frozen=True)
class Augmentation:
    """Moves, turns and bends images a little, otherwise in each epoch.

    >>> augmentation = Augmentation(shift=0.1, rotation=15)
    >>> X = np.zeros((5, 1, 28, 28), np.uint8)
    >>> augmentation.applied(X, seed=0, epoch=1).shape
    (5, 1, 28, 28)
    >>> Augmentation.of("light,rotation=20").rotation
    20.0

    What becomes of an image follows from the seed, the epoch and its place in the data alone, so
    that it is the same in every engine, batch and run that goes on. The amounts are the largest;
    each image gets its own, anything up to that, either way. Lengths are shares of the side.

    Attributes:
        shift: how far an image is moved, down and to the right; by whole pixels where nothing
            but shift, flip and erase is wanted, so that it stays as sharp as it was.
        rotation: how far it is turned, in degrees.
        scale: how much larger or smaller it becomes: 0.1 is up to 1.1 times, or 1/1.1.
        stretch: how much wider or narrower it becomes against its height, likewise.
        shear: how far its top is slanted, in heights.
        elastic: how far its parts are moved by an elastic distortion, root mean square (Simard,
            Steinkraus, Platt 2003, "Best practices for convolutional neural networks applied to
            visual document analysis", section 2).
        smoothness: the length over which the elastic distortion changes.
        flip: whether every other image, as chance has it, is mirrored left to right.
        erase: the sides of a rectangle that is blotted out, at most; half of the images have one.
        stroke: how much of a pixel strokes become wider or narrower on each side.
        contrast: how much of the range from dark to light is lost at most; half of the images
            lose some, and what is left of it lies anywhere within.
        ground: what comes in from outside, as a pixel's value; None: the edge goes on.

    Raises:
        ConfigError: if a setting is out of range.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    smoothness: float = 0.25
    flip: bool = False
    erase: float = 0.0
    stroke: float = 0.0
    contrast: float = 0.0
    ground: float | None = 0.0

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            value, least = getattr(self, name), SMOOTHNESS if name == "smoothness" else 0.0
            if not (_is_number(value) and least <= value <= most):
                raise ConfigError(
                    f"augment: {name} must be a number from {least:g} to {most:g}, not {value!r}"
                )
            object.__setattr__(self, name, float(value))
        if not isinstance(self.flip, bool):
            raise ConfigError(f"augment: flip must be true or false, not {self.flip!r}")
        if self.ground is not None:
            if not (_is_number(self.ground) and math.isfinite(self.ground)):
                raise ConfigError(
                    "augment: ground must be a pixel's value, or None where the edge goes on, "
                    f"not {self.ground!r}"
                )
            object.__setattr__(self, "ground", float(self.ground))

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Return what a text asks for; None for "none".

        Args:
            text: the name of a preset, settings such as "shift=0.1,flip=true", or a name and then
                settings that go over its own; "ground=edge" lets the edge go on.

        Raises:
            ConfigError: if there is no such preset or setting, or it is out of range.
        """
        first, *others = [part.strip() for part in text.split(",")]
        if first == "none" and not others:
            return None
        preset: Augmentation | None = Augmentation()
        if "=" in first:
            others = [first, *others]
        else:
            preset = PRESETS.get(first)
        if preset is None:
            near = difflib.get_close_matches(first, PRESETS, n=1, cutoff=0.0)[0]
            raise ConfigError(
                f"augment: there is no preset {first!r}; choose none, {', '.join(PRESETS)}, or "
                f"settings such as shift=0.1,rotation=10; the nearest is {near}"
            )
        return cls(**vars(preset) | dict(_setting(part) for part in others))

    @property
    def changes_nothing(self) -> bool:
        """Whether images stay as they are."""
        amounts = [name for name in MOST if name != "smoothness"]
        return not (self.flip or any(getattr(self, name) for name in amounts))

    @property
    def bends(self) -> bool:
        """Whether more is wanted than shift and flip, so that pixels come to lie between pixels."""
        return any((self.rotation, self.scale, self.stretch, self.shear, self.elastic))

    def ground_of(self, dtype: DTypeLike) -> float:
        """Return what lies outside images of a dtype: of bytes a whole number 0..255."""
        ground = self.ground or 0.0
        return float(np.clip(round(ground), 0, 255)) if dtype == np.uint8 else ground

    def __str__(self) -> str:
        """Return what differs from doing nothing, as `of` reads it."""
        plain = Augmentation()
        parts = [
            f"{name}={_word(value)}"
            for name, value in vars(self).items()
            if value != getattr(plain, name)
        ]
        return ",".join(parts) or "shift=0"

    def applied(
        self,
        images: NDArray[Any],
        *,
        seed: int = 0,
        epoch: int = 1,
        places: NDArray[np.integer[Any]] | None = None,
    ) -> NDArray[Any]:
        """Return changed copies of images, as an epoch of training sees them.

        Args:
            images: (N, C, H, W), uint8 or floating point.
            seed: the run's seed.
            epoch: the epoch, counted from 1.
            places: their places in the data, (N,); None: 0, 1, 2, ...

        Raises:
            DataError: if the images are larger than 512 pixels.
        """
        from handgrad.data.augment.sampling import Moves

        places = np.arange(len(images)) if places is None else places
        return Moves(self, seed, epoch).applied(images, places)


def as_augmentation(given: object) -> Augmentation | None:
    """Return an augmentation given as such or in words; None where nothing would be changed.

    Raises:
        ConfigError: if it is neither.
    """
    if isinstance(given, str):
        given = Augmentation.of(given)
    if not (given is None or isinstance(given, Augmentation)):
        raise ConfigError(
            f'augment must be such as "light" or Augmentation(shift=0.1), not {given!r}'
        )
    return None if given is None or given.changes_nothing else given


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _setting(part: str) -> tuple[str, Any]:
    """Return the name and the value of one setting in a text."""
    name, _, word = (side.strip() for side in part.partition("="))
    known = [field.name for field in dataclasses.fields(Augmentation)]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise ConfigError(f"augment: there is no setting {name!r}; the nearest is {near!r}")
    if name == "flip" and word in ("true", "false"):
        return name, word == "true"
    if name == "ground" and word == "edge":
        return name, None
    try:
        return name, float(word)
    except ValueError:
        return name, word  # which the value itself refuses, by name


def _word(value: float | bool | None) -> str:
    """Return a value as `_setting` reads it."""
    if value is None:
        return "edge"
    return str(value).lower() if isinstance(value, bool) else f"{value:.12g}"


# Chosen by eye, and by accuracy on validation images: legible, no stroke torn.
PRESETS: dict[str, Augmentation] = {
    "light": Augmentation(shift=0.07, rotation=10, scale=0.1, shear=0.1, elastic=0.025),
    "messy-hands": Augmentation(
        shift=0.07,
        rotation=15,
        scale=0.15,
        stretch=0.15,
        shear=0.2,
        elastic=0.035,
        stroke=0.4,
    ),
    "clothes": Augmentation(shift=0.07, flip=True),
}
