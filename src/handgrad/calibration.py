"""Calibration of probabilities by temperature scaling, with a threshold for confident answers."""

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
from handgrad.random import generator

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.01, 100.0
BINS = 15  # of every reliability diagram, and so of every calibration error
MIN_IMAGES = 30  # with fewer, a temperature is fitted only on request
FOLDS = 5  # of the cross-fitting that decides whether a temperature helps


@dataclass(frozen=True)
class Calibration:
    """Temperature scaling, fitted to images that the network was not trained on.

    The probabilities of a network are often higher than its accuracy. Dividing the logits by a
    single number, the temperature, corrects this without changing the order of the classes.

    C. Guo et al. 2017, "On calibration of modern neural networks", section 4.2.

    Attributes:
        temperature: the divisor of the logits before the softmax.
        threshold: the lowest probability of a confident answer. If 0, every answer is confident.
        precision: the requested fraction of correct answers among confident ones, or None if no
            fraction was requested.
        coverage: the fraction of images with a confident answer.
        error_before: the expected calibration error before temperature scaling, from 0 to 1.
        error: the expected calibration error after temperature scaling, from 0 to 1.
        images: the number of images that the calibration was fitted to.
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
            least, most = (
                (MIN_TEMPERATURE, MAX_TEMPERATURE) if field.name == "temperature" else (0, 1)
            )
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
            f"{words}\nconfident from {self.threshold:.2%}: {self.coverage:.2%} of the answers; "
            f"at least {self.precision:.2%} of these answers are correct"
        )

    def probabilities(self, Z: Array) -> Array:
        """Compute the calibrated probabilities (N, K) from logits Z (N, K)."""
        return softmax(Z / Z.dtype.type(self.temperature))

    def is_confident(self, p: Array) -> NDArray[np.bool_]:
        """Return whether each answer is confident, (N,), given the probabilities p (N, K)."""
        return p.max(axis=1) >= np.float64(self.threshold)

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, described: Any) -> Self:
        """Rebuild a calibration from the JSON data that `to_json` returned.

        Raises:
            ModelError: if the JSON data does not describe a calibration.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(described, Mapping) or described.keys() != fields:
            raise ModelError(f"a calibration must have the entries {', '.join(sorted(fields))}")
        return cls(**described)


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram: the accuracy of answers as a function of their confidence.

    Attributes:
        counts: the number of answers in each confidence bin, (B,). All bins have equal width.
        confidence: the mean confidence of the answers in each bin, (B,); NaN for an empty bin.
        accuracy: the fraction of correct answers in each bin, (B,); NaN for an empty bin.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between accuracy and confidence."""
        gap = np.nan_to_num(np.abs(self.confidence - self.accuracy))
        return float((self.counts * gap).sum() / self.counts.sum())


def calibrate(
    Z: Array, y: Array, *, precision: float | None = None, temperature: float | None = None
) -> Calibration:
    """Fit a calibration to validation images.

    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 3, 2000)
    >>> Z = 2 * np.eye(3)[y] + rng.normal(size=(2000, 3))
    >>> round(calibrate(5 * Z, y).temperature / calibrate(Z, y).temperature, 3)
    5.0

    Args:
        Z: the logits that the network computes for images it was not trained on, (N, K).
        y: the true classes, (N,) integers 0..K-1.
        precision: the fraction of confident answers that must be correct, above 0 and at most 1;
            or None to treat all answers as confident.
        temperature: the temperature, such as 1 to keep the probabilities as they are; or None to
            fit it.

    Raises:
        DataError: if there are no images, or no threshold gives the requested precision.
        ConfigError: if the precision is out of range.
    """
    if precision is not None and not 0 < precision <= 1:
        raise ConfigError(f"precision must be above 0 and at most 1, not {precision}")
    if len(Z) == 0 or len(Z) != len(y):
        raise DataError(
            f"there are {len(Z)} rows of logits and {len(y)} labels; give one label per row, and "
            "at least one row"
        )
    Z = Z.astype(np.float64)
    temperature = _temperature(Z, y) if temperature is None else float(temperature)
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


def reason_against_calibrating(Z: Array, y: Array, *, min_images: int = MIN_IMAGES) -> str:
    """Return the reason against fitting a temperature, or "" if there is none.

    Args:
        Z: the logits that the network computes for images it was not trained on, (N, K).
        y: the true classes, (N,) integers 0..K-1.
        min_images: the number of images that is enough.
    """
    if len(y) < min_images:
        return f"{len(y)} images are too few to fit a temperature"
    if (Z.argmax(axis=1) == y).all():
        return f"all {len(y):,} predictions are correct, so the error rate is unknown"
    before, after = _error_when_held_out(Z.astype(np.float64), y)
    if after > before:
        return (
            f"a temperature makes the expected calibration error worse, {before:.2%} -> "
            f"{after:.2%} on images that it was not fitted to"
        )
    return ""


def reliability(p: Array, y: Array) -> Reliability:
    """Compute the reliability diagram of predicted probabilities.

    The confidence of an answer is its probability, which is the highest of the K. There are `BINS`
    bins of equal width between 0 and 1.

    Args:
        p: probabilities, (N, K).
        y: the true classes, (N,) integers 0..K-1.

    Raises:
        DataError: if there are no probabilities.
    """
    if len(p) == 0:
        raise DataError("there are no probabilities; give those of at least one image")
    confidences, correct = p.max(axis=1).astype(np.float64), p.argmax(axis=1) == y
    index = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(index, minlength=BINS)
    with np.errstate(invalid="ignore"):  # 0/0 in an empty bin
        confidence = np.bincount(index, confidences, BINS) / counts
        accuracy = np.bincount(index, correct, BINS) / counts
    return Reliability(counts, confidence, accuracy)


def _error_when_held_out(Z: Array, y: Array) -> tuple[float, float]:
    """Return the calibration error before and after temperature scaling, by cross-fitting.

    The temperature of each fold of the images is fitted to the images of the other folds.
    """
    fold = generator(0, "split").permutation(len(y)) % FOLDS
    p = np.empty_like(Z)
    for k in range(FOLDS):
        held = fold == k
        if held.all() or not held.any():  # fewer images than folds
            p[held] = softmax(Z[held])
            continue
        p[held] = softmax(Z[held] / _temperature(Z[~held], y[~held]))
    return reliability(softmax(Z), y).error, reliability(p, y).error


def _temperature(Z: Array, y: Array) -> float:
    """Return the temperature with the lowest cross-entropy.

    The cross-entropy is convex in β = 1/T, and its derivative Σₙ (E_p[z] − z_y) increases with β:
    bisection finds its zero.
    """
    low, high = 1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE
    true = Z[np.arange(len(y)), y]
    for _ in range(60):
        middle = math.sqrt(low * high)
        slope = ((np.exp(log_softmax(Z * middle)) * Z).sum(axis=1) - true).sum()
        low, high = (middle, high) if slope < 0 else (low, middle)
    return min(max(1 / high, MIN_TEMPERATURE), MAX_TEMPERATURE)


def _threshold(p: Array, y: Array, precision: float) -> float:
    """Return the lowest threshold above which the requested fraction of answers is correct."""
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == y
    order = (-confidence).argsort(stable=True)
    confidence, correct = confidence[order], correct[order]
    share = correct.cumsum() / np.arange(1, len(correct) + 1)
    is_last_of_equals = np.append(confidence[1:] < confidence[:-1], True)
    enough = np.flatnonzero((share >= precision) & is_last_of_equals)
    if len(enough) == 0:
        raise DataError(
            f"no threshold gives {precision:.2%} correct answers among these {len(y)} images; "
            "request a lower precision, or train longer"
        )
    # A margin for float32: the last of these answers stays above the threshold.
    return max(0.0, float(confidence[enough[-1]]) - 1e-6)
