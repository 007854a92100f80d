"""`Augmentation`: the ranges of random shifts, rotations and other changes to images."""

from __future__ import annotations

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from handgrad.data.augment import layout as column_of
from handgrad.data.augment.grid import SamplingGrid, rms_weight, sampling_grid
from handgrad.data.augment.layout import FINE, HEAD, LIGHT, PIXEL
from handgrad.data.augment.transform import transform
from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.random import stream_key, uniforms_at

# The largest value of each numeric setting; the smallest is 0.
MAX = {
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
_BATCH = 512  # images whose parameters fit a core's cache
_MAX_OFFSET = 64  # the largest offset of a control point, in pixels
_UNIFORMS = 16  # random numbers for each image, besides those of the control points
MIN_SMOOTHNESS = 1 / 16  # 16 spline intervals along a side


@dataclass(frozen=True)
class Augmentation:
    """Random shifts, rotations, scaling and other changes to images, which differ in every epoch.

    >>> augmentation = Augmentation(shift=0.1, rotation=15)
    >>> X = np.zeros((5, 1, 28, 28), np.uint8)
    >>> augmentation.apply(X, seed=0, epoch=1).shape
    (5, 1, 28, 28)
    >>> Augmentation.of("light,rotation=20").rotation
    20.0

    The result depends only on the seed, the epoch and the image's index in the data, so every
    engine, and also a resumed run, uses the same images. Each setting is a maximum: the value for
    an image is drawn uniformly between minus and plus the setting. Lengths are fractions of the
    image's side length.

    Attributes:
        shift: the vertical and the horizontal shift. If rotation, scale, stretch, shear and elastic
            are all off, it is rounded to whole pixels, so that images stay sharp.
        rotation: the rotation angle, in degrees.
        scale: the change of size: 0.1 means that images are scaled by a factor between 1/1.1 and
            1.1.
        stretch: the change of the aspect ratio: 0.1 means that the aspect ratio is multiplied by a
            factor between 1/1.1 and 1.1.
        shear: the horizontal shift per unit of height.
        elastic: the root mean square displacement of an elastic distortion (Simard,
            Steinkraus, Platt 2003, "Best practices for convolutional neural networks applied to
            visual document analysis", section 2).
        smoothness: the distance between the control points of the elastic distortion.
        flip: whether to mirror each image horizontally with probability 1/2.
        erase: the largest side length of the rectangle that is erased in half of the images.
        stroke: the change of stroke width on each side, in pixels. Strokes become thinner by at
            most half of this value.
        contrast: the largest fraction of the contrast that half of the images lose. The smaller
            range begins at a random offset in the full range.
        fill: the value that fills areas outside the image, or None to fill them by repeating the
            edge pixels.

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
    fill: float | None = 0.0

    def __post_init__(self) -> None:
        for name, most in MAX.items():
            value, least = getattr(self, name), MIN_SMOOTHNESS if name == "smoothness" else 0.0
            if not (_is_number(value) and least <= value <= most):
                raise ConfigError(
                    f"augment: {name} must be a number from {least:g} to {most:g}, not {value!r}"
                )
            object.__setattr__(self, name, float(value))
        if not isinstance(self.flip, bool):
            raise ConfigError(f"augment: flip must be true or false, not {self.flip!r}")
        if self.fill is not None:
            if not (_is_number(self.fill) and math.isfinite(self.fill)):
                raise ConfigError(
                    "augment: fill must be a pixel value, or None to repeat the edge pixels, "
                    f"not {self.fill!r}"
                )
            object.__setattr__(self, "fill", float(self.fill))

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Parse settings such as "light,rotation=20"; return None for "none".

        Args:
            text: the name of a preset; settings such as "shift=0.1,flip=true", or a preset
                followed by settings that override it; "fill=edge" repeats the edge pixels.

        Raises:
            ConfigError: if the preset or a setting is unknown, or a value is out of range.
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
            similar = difflib.get_close_matches(first, PRESETS, n=1)
            raise ConfigError(
                f"augment: there is no preset {first!r}; choose none, {', '.join(PRESETS)}, or "
                "settings such as shift=0.1,rotation=10"
                + (f"; did you mean {similar[0]}?" if similar else "")
            )
        return cls(**vars(preset) | dict(_parse_setting(part) for part in others))

    @property
    def changes_nothing(self) -> bool:
        """Whether images are left unchanged."""
        amounts = [name for name in MAX if name != "smoothness"]
        return not (self.flip or any(getattr(self, name) for name in amounts))

    @property
    def interpolates(self) -> bool:
        """Whether source positions may lie between pixels. With only shift and flip they do not."""
        return any((self.rotation, self.scale, self.stretch, self.shear, self.elastic))

    def fill_value(self, dtype: DTypeLike) -> float:
        """Return the value that fills areas outside an image, as an integer for uint8 images."""
        fill = self.fill or 0.0
        return float(np.clip(round(fill), 0, 255)) if dtype == np.uint8 else fill

    def __str__(self) -> str:
        """Return the settings that differ from the default, in the form that `of` parses."""
        default = Augmentation()
        parts = [
            f"{name}={_format(value)}"
            for name, value in vars(self).items()
            if value != getattr(default, name)
        ]
        return ",".join(parts) or "shift=0"

    def apply(
        self,
        images: NDArray[Any],
        *,
        seed: int = 0,
        epoch: int = 1,
        indices: NDArray[np.integer[Any]] | None = None,
    ) -> NDArray[Any]:
        """Return augmented copies of images, as they are used in one epoch of training.

        Args:
            images: the images, (N, C, H, W), uint8 or floating point.
            seed: the run's seed.
            epoch: the epoch, counted from 1.
            indices: the indices of the images in the data, (N,), or None for 0, 1, 2, ...

        Raises:
            DataError: if a side of the images is longer than 512 pixels.
        """
        indices = np.arange(len(images)) if indices is None else indices
        return EpochAugmentation(self, seed, epoch).apply(images, indices)


class EpochAugmentation(NamedTuple):
    """The augmentation of one epoch: a function of the seed, the epoch and the index of an image.

    Attributes:
        augmentation: the settings, which give the range of each random parameter.
        seed: the run's seed.
        epoch: the epoch, counted from 1.
    """

    augmentation: Augmentation
    seed: int
    epoch: int

    def apply(self, images: NDArray[Any], indices: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Return augmented copies of images (N, C, H, W), given their indices in the data (N,)."""
        if images.dtype not in (np.uint8, np.float32):
            images = images.astype(np.float32)
        size = images.shape[2:]
        parameters, grid = self.sample(indices, size), grid_for(self.augmentation, size)
        fill = self.augmentation.fill_value(images.dtype)
        result = np.empty_like(images, order="C")
        for at in range(0, len(images), _BATCH):
            part = slice(at, at + _BATCH)
            result[part] = transform(
                images[part], parameters[part], grid, fill, self.augmentation.fill is None
            )
        return result

    def sample(self, indices: NDArray[np.integer[Any]], size: tuple[int, ...]) -> Array:
        """Sample the parameters of each image.

        Args:
            indices: the images' indices in the data, (N,).
            size: the height and width of the images.

        Returns:
            One row per image, (N, `SamplingGrid.width`) float32, with integer values: the `HEAD`
            columns described in `layout`, then the y and x offsets of each row of control points.
        """
        grid = grid_for(self.augmentation, size)
        key = stream_key(self.seed, "augment", self.epoch)
        count = _UNIFORMS + 2 * grid.control_points**2
        parameters = np.zeros((len(indices), grid.width), np.float32)
        for at in range(0, len(indices), _BATCH):
            part = slice(at, at + _BATCH)
            counters = np.arange(count, dtype=np.int64) + count * indices[part, None]
            u = uniforms_at(key, counters.astype(np.uint64))
            _fill_head(self.augmentation, u, size, parameters[part])
            if grid.control_points:
                offsets = parameters[part, HEAD:]
                _fill_offsets(self.augmentation, u[:, _UNIFORMS:], grid, offsets)
        return parameters


def grid_for(augmentation: Augmentation, size: tuple[int, ...]) -> SamplingGrid:
    """Return the sampling tables for images of size (H, W).

    Raises:
        DataError: if the images are too large.
    """
    H, W = size
    return sampling_grid(H, W, round(1 / augmentation.smoothness) if augmentation.elastic else 0)


def _fill_head(
    augmentation: Augmentation, u: Array, size: tuple[int, ...], parameters: Array
) -> None:
    """Write the first `HEAD` augmentation parameters of each image.

    The parameters are computed from uniform random numbers `u` in [0, 1), (N, M) with M >= 16.
    """
    H, W = size
    signed = (2 * u[:, :6] - 1).astype(np.float64)
    shift = signed[:, :2] * augmentation.shift * [H, W]
    if not augmentation.interpolates:
        shift = np.rint(shift)
    a, b, c, d = _matrices(augmentation, signed[:, 2:], u[:, 6] < 0.5)
    fine = PIXEL * FINE
    parameters[:, column_of.Y] = np.rint(((H - 1) / 2 - shift[:, 0]) * fine)
    parameters[:, column_of.X] = np.rint(((W - 1) / 2 - shift[:, 1]) * fine)
    for column, entry in zip(
        (column_of.Y_BY_Y, column_of.Y_BY_X, column_of.X_BY_Y, column_of.X_BY_X),
        (a, b, c, d),
        strict=True,
    ):
        parameters[:, column] = np.rint(entry * (fine / 2))
    if augmentation.erase:
        erased = u[:, 7] < 0.5
        for side, column, at in ((H, column_of.TOP, 8), (W, column_of.LEFT, 10)):
            length = np.ceil(u[:, at] * (augmentation.erase * side)) * erased
            begin = np.floor(u[:, at + 1] * (side - length + 1))
            parameters[:, column], parameters[:, column + 1] = begin, begin + length
    if augmentation.stroke:
        parameters[:, column_of.STROKE] = _strokes(augmentation, u[:, 12])
    lost = np.rint(u[:, 14] * (augmentation.contrast * PIXEL)) * (u[:, 13] < 0.5)
    parameters[:, column_of.GAIN] = PIXEL - lost
    parameters[:, column_of.LIFT] = np.rint(u[:, 15] * lost * LIGHT)


def _strokes(augmentation: Augmentation, u: Array) -> Array:
    """Return the change of stroke width in 1/256 pixel. Thinning is halved to preserve strokes."""
    signed = 2 * u - 1
    return np.rint(np.where(signed > 0, signed, signed / 2) * (augmentation.stroke * PIXEL))


def _matrices(
    augmentation: Augmentation, signed: NDArray[np.float64], mirrored: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], ...]:
    """Return the matrices that map positions in the new images to positions in the old images.

    Args:
        augmentation: the settings, which give the range of each random parameter.
        signed: random numbers in [-1, 1) for rotation, scale, stretch and shear, (N, 4).
        mirrored: whether each image is mirrored, (N,).

    Returns:
        dy/dy, dy/dx, dx/dy and dx/dx of the source position, each (N,).
    """
    angle = np.deg2rad(signed[:, 0] * augmentation.rotation)
    larger = np.exp(-signed[:, 1] * np.log1p(augmentation.scale))
    wider = np.exp(-signed[:, 2] * np.log1p(augmentation.stretch) / 2)
    slant = signed[:, 3] * augmentation.shear
    cos, sin = np.cos(angle), np.sin(angle)
    sides = np.where(mirrored & augmentation.flip, -1.0, 1.0)
    y_by_y, y_by_x = cos * larger / wider, sin * larger * wider
    x_by_y, x_by_x = -sin * larger / wider, cos * larger * wider
    return y_by_y, y_by_x, (x_by_y + slant * y_by_y) * sides, (x_by_x + slant * y_by_x) * sides


def _fill_offsets(augmentation: Augmentation, u: Array, grid: SamplingGrid, offsets: Array) -> None:
    """Write the offsets of the control points of images, in 1/256 pixel.

    Uniform random numbers between -1 and 1 have a root mean square of 1/√3; the spline weights make
    it smaller.
    """
    N, K = len(u), grid.control_points
    distance = augmentation.elastic * min(grid.size)
    across = grid.across[:, : grid.size[1]].T
    largest = distance * 3**0.5 / (rms_weight(grid.down) * rms_weight(across)) * PIXEL
    sampled = np.rint((2 * u - 1) * np.float32(min(largest, _MAX_OFFSET * PIXEL)))
    offsets.reshape(N, K, grid.row)[:, :, : 2 * K] = sampled.reshape(N, K, 2 * K)


def as_augmentation(given: object) -> Augmentation | None:
    """Convert an `Augmentation` or its text to an `Augmentation`, or to None if it has no effect.

    Raises:
        ConfigError: if the argument is neither an `Augmentation` nor valid text.
    """
    if isinstance(given, str):
        given = Augmentation.of(given)
    if not (given is None or isinstance(given, Augmentation)):
        raise ConfigError(
            f'augment must be a string such as "light", or Augmentation(shift=0.1), not {given!r}'
        )
    return None if given is None or given.changes_nothing else given


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _parse_setting(part: str) -> tuple[str, Any]:
    """Parse one setting, and return its name and its value."""
    name, _, word = (side.strip() for side in part.partition("="))
    known = [field.name for field in dataclasses.fields(Augmentation)]
    if name not in known:
        similar = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {similar[0]!r}?" if similar else f"choose from {', '.join(known)}"
        raise ConfigError(f"augment: there is no setting {name!r}; {remedy}")
    if name == "flip" and word in ("true", "false"):
        return name, word == "true"
    if name == "fill" and word == "edge":
        return name, None
    try:
        return name, float(word)
    except ValueError:
        return name, word  # Augmentation rejects it, and names the setting


def _format(value: float | bool | None) -> str:
    """Format a value in the form that `_parse_setting` parses."""
    if value is None:
        return "edge"
    return str(value).lower() if isinstance(value, bool) else f"{value:.12g}"


# Chosen by validation accuracy, and so that images stay legible.
PRESETS: dict[str, Augmentation] = {
    "light": Augmentation(shift=0.07, rotation=10, scale=0.1, shear=0.1, elastic=0.025),
    "drawings": Augmentation(
        shift=0.07,
        rotation=15,
        scale=0.15,
        stretch=0.15,
        shear=0.2,
        elastic=0.035,
        stroke=0.4,
    ),
    "fashion": Augmentation(shift=0.07, flip=True),
}
