"""Probabilities that mean what they say, and the courage to say "I don't know"."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.layers import Array
from handgrad.losses import log_softmax, softmax

COLDEST, HOTTEST = 0.01, 100.0
BINS = 15
ENOUGH = 30  # images from which on a temperature is fitted unasked


@dataclass(frozen=True)
class Calibration:
    """What was learned from images that the network did not learn from.

    A network is often right less often than its probabilities say. Logits divided by one number,
    the temperature, bring both together, and leave the order of the classes as it is.

    C. Guo et al. 2017, "On calibration of modern neural networks", section 4.2.

    Attributes:
        temperature: what logits are divided by before the softmax.
        threshold: the least probability with which an answer counts as sure; 0: each does.
        precision: the share of sure answers that was asked to be right; None: none was.
        coverage: the share of the images that were answered surely.
        error_before: the expected calibration error without the temperature, 0 to 1.
        error: the same with it.
        images: how many it was learned from.
    """

    temperature: float = 1.0
    threshold: float = 0.0
    precision: float | None = None
    coverage: float = 1.0
    error_before: float = 0.0
    error: float = 0.0
    images: int = 0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "precision" and value is None:
                continue
            least, most = (COLDEST, HOTTEST) if field.name == "temperature" else (0, 1)
            most = math.inf if field.name == "images" else most
            if type(value) not in (int, float) or not least <= value <= most:
                raise ModelError(f"{field.name} of a calibration cannot be {value!r}")

    def __str__(self) -> str:
        words = (
            f"temperature {self.temperature:.3f}: expected calibration error "
            f"{self.error_before:.2%} -> {self.error:.2%}, on {self.images:,} images"
        )
        if self.precision is None:
            return words
        return (
            f"{words}\nsure from {self.threshold:.2%} on: {self.coverage:.2%} of the answers, "
            f"and {self.precision:.2%} of these or more are right"
        )

    def probabilities(self, Z: Array) -> Array:
        """Return the probabilities (N, K) of logits Z (N, K)."""
        return softmax(Z / Z.dtype.type(self.temperature))

    def sure(self, p: Array) -> NDArray[np.bool_]:
        """Say which answers count as sure, (N,), of probabilities p (N, K)."""
        return p.max(axis=1) >= np.float64(self.threshold)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, described: Any) -> Self:
        """Return what `to_json` described.

        Raises:
            ModelError: if it describes none.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(described, Mapping) or described.keys() != fields:
            raise ModelError(f"a calibration is described by {', '.join(sorted(fields))}")
        return cls(**described)


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often a network is right, beside how often it believes to be.

    Attributes:
        counts: how many answers have a probability in each of the bins of equal width, (B,).
        confidence: the mean probability of these answers, (B,); NaN where there is none.
        accuracy: the share of them that is right, likewise.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance between the two, by answers."""
        gap = np.nan_to_num(np.abs(self.confidence - self.accuracy))
        return float((self.counts * gap).sum() / self.counts.sum())


def calibrate(Z: Array, y: Array, *, precision: float | None = None) -> Calibration:
    """Return the calibration that validation images ask for.

    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 3, 2000)
    >>> honest = 2 * np.eye(3)[y] + rng.normal(size=(2000, 3))
    >>> round(calibrate(5 * honest, y).temperature / calibrate(honest, y).temperature, 3)
    5.0

    Args:
        Z: the network's logits for images that it has not learned from, (N, K).
        y: their classes, (N,) whole numbers 0..K-1.
        precision: the share of the sure answers that shall be right, 0 to 1; None: all answers
            count as sure.

    Raises:
        DataError: if there are no images, or no answers so sure that so many of them are right.
        ConfigError: if the precision is out of range.
    """
    if precision is not None and not 0 < precision <= 1:
        raise ConfigError(f"precision must be above 0 and at most 1, not {precision}")
    if len(Z) == 0 or len(Z) != len(y):
        raise DataError(f"{len(Z)} answers and {len(y)} labels; give one label for each of some")
    Z = Z.astype(np.float64)
    temperature = _temperature(Z, y)
    p = softmax(Z / temperature)
    threshold = 0.0 if precision is None else _threshold(p, y, precision)
    return Calibration(
        temperature=temperature,
        threshold=threshold,
        precision=precision,
        coverage=float((p.max(axis=1) >= threshold).mean()),
        error_before=reliability(softmax(Z), y).error,
        error=reliability(p, y).error,
        images=len(y),
    )


def reason_against_calibrating(Z: Array, y: Array) -> str:
    """Say what speaks against fitting a temperature that nobody asked for; "" if nothing does.

    Args:
        Z: the network's logits for images that it has not learned from, (N, K).
        y: their classes, (N,) whole numbers 0..K-1.
    """
    if len(y) < ENOUGH:
        return f"{len(y)} images are too few to learn a temperature from"
    if (Z.argmax(axis=1) == y).all():
        return f"all {len(y):,} images are right, and do not say how often it is wrong"
    return ""


def reliability(p: Array, y: Array, bins: int = BINS) -> Reliability:
    """Return how often answers are right, by how probable they were called.

    Args:
        p: probabilities, (N, K).
        y: the true classes, (N,) whole numbers 0..K-1.
        bins: B, how many bins of equal width between 0 and 1.

    Raises:
        DataError: if there are no answers.
    """
    if len(p) == 0:
        raise DataError("there are no answers; give the probabilities of at least one")
    believed, right = p.max(axis=1), p.argmax(axis=1) == y
    place = np.minimum((believed * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):  # an empty bin has no mean
        confidence = np.bincount(place, believed, bins) / counts
        accuracy = np.bincount(place, right, bins) / counts
    return Reliability(counts, confidence, accuracy)


def _temperature(Z: Array, y: Array) -> float:
    """Return the temperature with the least cross-entropy.

    The cross-entropy is convex in β = 1/T, and its derivative Σₙ (E_p[z] − z_y) rises with β: its
    zero is found by halving.
    """
    low, high = 1 / HOTTEST, 1 / COLDEST
    true = Z[np.arange(len(y)), y]
    for _ in range(60):
        middle = math.sqrt(low * high)
        slope = ((np.exp(log_softmax(Z * middle)) * Z).sum(axis=1) - true).sum()
        low, high = (middle, high) if slope < 0 else (low, middle)
    return min(max(1 / high, COLDEST), HOTTEST)


def _threshold(p: Array, y: Array, precision: float) -> float:
    """Return the lowest probability from which on the wanted share of answers is right."""
    believed, right = p.max(axis=1), p.argmax(axis=1) == y
    order = (-believed).argsort(stable=True)
    believed, right = believed[order], right[order]
    share = right.cumsum() / np.arange(1, len(right) + 1)
    last_of_its_kind = np.append(believed[1:] < believed[:-1], True)
    enough = np.flatnonzero((share >= precision) & last_of_its_kind)
    if len(enough) == 0:
        raise DataError(
            f"no answers on these {len(y)} images are so sure that {precision:.2%} of them are "
            "right; ask for a lower precision, or train longer"
        )
    # Probabilities are compared as float32 later on: a hair below keeps the last one in.
    return max(0.0, float(believed[enough[-1]]) - 1e-6)
