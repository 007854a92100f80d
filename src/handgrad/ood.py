"""The out-of-distribution score, which is high for images unlike the training images.

The score of an image x with logits z adds two standardized numbers:

    s(x) = (log d²(h) − m₁) / s₁ + w (E(z) − m₂) / s₂

    d²(h)                        the distance of its edges h to the class of the answer
    E(z) = −log Σₖ exp zₖ        the energy of its logits

The edges h are square roots of the mean slopes in 8 directions, in at most 7x7 cells of the image.
Each class is a normal distribution of h: its covariance has the R largest variances v along the
orthonormal directions U, and the variance ε along all others. With c = U (h − μ),

    d²(h) = Σᵣ cᵣ² / (vᵣ + ε) + (‖h − μ‖² − ‖c‖²) / ε

W. Liu et al. 2020, "Energy-based out-of-distribution detection"; M. Tipping and C. Bishop 1999,
"Probabilistic principal component analysis".
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.data import Dataset
from handgrad.errors import DataError, ModelError
from handgrad.layers import Array
from handgrad.network import Network

OOD = "ood."  # the names of the score's arrays in a model file begin with this
ACCEPTED = 0.95  # the fraction of validation images below the threshold
MIN_IMAGES = 30  # validation images; with fewer, the threshold would be a guess

_DIRECTIONS, _CELLS = 8, 7
_ENERGY_WEIGHT, _NOISE = 0.4, 0.15  # chosen on letters in other fonts; see docs/confidence.md
_MAX_RANK, _MAX_VECTORS = 64, 640
_MAX_FITTED = 10_000  # training images
_BATCH = 500
_NAMES = ("means", "directions", "variances", "noise", "scaling", "threshold")


@dataclass(frozen=True, eq=False)
class OodScore:
    """The parameters and the threshold of an out-of-distribution score.

    Attributes:
        means: μ of each class, (K, P).
        directions: U of each class, (K, R, P).
        variances: v of each class, (K, R).
        noise: ε, (1,).
        scaling: m₁, s₁, m₂ and s₂ / w, (4,).
        threshold: the highest score of an image like the training images, (1,).
        images: the number of validation images that the threshold was fitted to.
    """

    means: Array
    directions: Array
    variances: Array
    noise: Array
    scaling: Array
    threshold: Array
    images: int

    def __str__(self) -> str:
        return (
            f"out-of-distribution score: the threshold accepts {ACCEPTED:.0%} of "
            f"{self.images:,} images"
        )

    def scores(self, network: Network, X: ArrayLike, logits: Array) -> NDArray[np.float64]:
        """Return the score s of each image, (N,).

        Args:
            network: the network, which determines the form of its input.
            X: images, (N, C, H, W).
            logits: the logits of the images, (N, K).
        """
        X = network.as_images(X)
        center, spread, energy_center, energy_spread = self.scaling.astype(np.float64)
        parts = (np.log(self._distances(network, X, logits)) - center) / spread
        return parts + (energy(logits) - energy_center) / energy_spread

    def is_unlike(self, network: Network, X: ArrayLike, logits: Array) -> NDArray[np.bool_]:
        """Return whether each image is unlike the training images, (N,); see `scores`."""
        return self.scores(network, X, logits) > float(self.threshold[0])

    def _distances(self, network: Network, X: Array, logits: Array) -> NDArray[np.float64]:
        """Return d² between the images X and the classes of their answers, (N,)."""
        d2, answers = np.zeros(len(X)), logits.argmax(axis=1)
        for at in _starts(X):
            part = slice(at, at + _BATCH)
            h, answer = edges(network.as_input(X[part])), answers[part]
            for k in np.unique(answer):
                d2[part][answer == k] = self._distance(h[answer == k], k)
        return d2

    def _distance(self, h: Array, k: int) -> Array:
        """Return d² between the edges h (N, P) and class k, (N,)."""
        noise, difference = self.noise[0], h - self.means[k]
        c2 = (difference @ self.directions[k].T) ** 2
        rest = np.maximum((difference**2).sum(axis=1) - c2.sum(axis=1), 0)
        d2 = (c2 / (self.variances[k] + noise)).sum(axis=1) + rest / noise
        return np.maximum(d2, np.finfo(np.float32).tiny)

    def named_arrays(self) -> dict[str, Array]:
        """Return the arrays under their names in a model file."""
        return {OOD + name: getattr(self, name) for name in _NAMES}

    def digest(self) -> str:
        """Return the SHA-256 of the arrays, as 64 hexadecimal digits."""
        content = (getattr(self, name).astype("<f4").tobytes() for name in _NAMES)
        return hashlib.sha256(b"".join(content)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return everything except the arrays as JSON data."""
        return {"kind": "edges and energy", "accepted": ACCEPTED, "images": self.images}

    @classmethod
    def from_json(cls, described: Any, arrays: Mapping[str, Array], network: Network) -> Self:
        """Rebuild a score from its JSON data and its named arrays.

        Raises:
            ModelError: if they do not describe a score for the network.
        """
        kind = described.get("kind") if isinstance(described, Mapping) else None
        if kind != "edges and energy" or type(described.get("images")) is not int:
            raise ModelError(f"its out-of-distribution score is of the unknown kind {kind!r}")
        if set(arrays) != {OOD + name for name in _NAMES}:
            raise ModelError("its out-of-distribution score lacks arrays")
        found = {name: arrays[OOD + name] for name in _NAMES}
        K, P = network.classes, edges(np.zeros((1, *network.shape), np.float32)).shape[1]
        R = found["directions"].shape[1] if found["directions"].ndim == 3 else 0
        shapes = ((K, P), (K, R, P), (K, R), (1,), (4,), (1,))
        for (name, array), shape in zip(found.items(), shapes, strict=True):
            if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                raise ModelError(f"{OOD}{name} must be float32 {shape}, and finite")
        if found["noise"][0] <= 0 or found["variances"].min(initial=0) < 0:
            raise ModelError("a variance of its out-of-distribution score is below 0")
        if min(found["scaling"][[1, 3]]) <= 0:
            raise ModelError("a scale of its out-of-distribution score is not positive")
        return cls(**found, images=described["images"])


def fit_ood(network: Network, train: Dataset, validation: Dataset, logits: Array) -> OodScore:
    """Fit an out-of-distribution score.

    Args:
        network: the trained network.
        train: its training images; at most 10,000 of them are used.
        validation: images that the network was not trained on; the score of 95 % of them is below
            the threshold.
        logits: the network's logits for the validation images, (N, K).

    Raises:
        DataError: if there are fewer than 30 validation images, or the images have no height and
            width.
    """
    if len(validation) < MIN_IMAGES:
        raise DataError(
            f"{len(validation)} validation images are too few for an out-of-distribution score; "
            f"give at least {MIN_IMAGES}"
        )
    if len(network.shape) != 3:
        raise DataError(f"an out-of-distribution score needs images, not inputs {network.shape}")
    some = np.linspace(0, len(train) - 1, min(len(train), _MAX_FITTED)).astype(np.int64)
    h = np.concatenate(
        [edges(network.as_input(train.images[some[at : at + _BATCH]])) for at in _starts(some)]
    )
    K, P = network.classes, h.shape[1]
    rank = min(_MAX_RANK, max(1, _MAX_VECTORS // K), P)
    means, U, v = np.zeros((K, P)), np.zeros((K, rank, P)), np.zeros((K, rank))
    total = 0.0
    for k in range(K):
        own = h[train.labels[some] == k].astype(np.float64)
        if not len(own):
            means[k] = h.mean(axis=0)
            continue
        means[k] = own.mean(axis=0)
        variances, vectors = np.linalg.eigh((own - means[k]).T @ (own - means[k]) / len(own))
        v[k], U[k] = np.maximum(variances[::-1][:rank], 0), vectors.T[::-1][:rank]
        total += float(np.maximum(variances, 0).mean()) / K
    fitted = {
        "means": means,
        "directions": U,
        "variances": v,
        "noise": [max(_NOISE * total, 1e-9)],
        "scaling": [0, 1, 0, 1],
        "threshold": [0],
    }
    score = OodScore(**_as_float32(fitted), images=len(validation))
    X = validation.images
    d2 = score._distances(network, X, logits)
    log_d, E = np.log(d2), energy(logits)
    fitted["scaling"] = [log_d.mean(), _spread(log_d), E.mean(), _spread(E) / _ENERGY_WEIGHT]
    score = OodScore(**_as_float32(fitted), images=len(validation))
    limit = np.quantile(score.scores(network, X, logits), ACCEPTED)
    return replace(score, threshold=np.nextafter(np.array([limit], np.float32), np.float32(np.inf)))


def energy(logits: Array) -> NDArray[np.float64]:
    """Return the energy −log Σₖ exp zₖ of logits (N, K), (N,)."""
    Z = logits.astype(np.float64)
    largest = Z.max(axis=1, initial=-np.inf)
    return -(largest + np.log(np.exp(Z - largest[:, None]).sum(axis=1)))


def edges(X: Array) -> Array:
    """Return the edges h of images X (N, C, H, W), (N, P) float32.

    The mean over the channels is filtered with the two Sobel filters; outside the image it is 0.
    The slope in the direction (cos α, sin α) is max(0, Gx cos α + Gy sin α) for 8 angles α. The
    image is divided into square cells of equal size, at most 7 along each side. h holds the square
    root of the mean slope of each direction and cell.
    """
    x = np.pad(X.mean(axis=1, dtype=np.float32), ((0, 0), (1, 1), (1, 1)))
    columns = x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]
    rows = x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]
    gx, gy = (columns[:, :, 2:] - columns[:, :, :-2]) / 8, (rows[:, 2:] - rows[:, :-2]) / 8
    N, H, W = gx.shape
    cell = math.ceil(max(H, W) / _CELLS)
    high, wide = math.ceil(H / cell), math.ceil(W / cell)
    margin = ((0, 0), (0, high * cell - H), (0, wide * cell - W))
    gx, gy = np.pad(gx, margin), np.pad(gy, margin)
    h = np.empty((N, _DIRECTIONS, high, wide), np.float32)
    for k in range(_DIRECTIONS):
        angle = 2 * math.pi * k / _DIRECTIONS
        slope = np.maximum(gx * np.float32(math.cos(angle)) + gy * np.float32(math.sin(angle)), 0)
        h[:, k] = slope.reshape(N, high, cell, wide, cell).mean(axis=(2, 4))
    return np.sqrt(h).reshape(N, -1)


def _as_float32(arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def _spread(values: NDArray[np.float64]) -> float:
    """Return the standard deviation, or 1 if all values are equal."""
    spread = float(values.std())
    return spread if spread > 1e-12 else 1.0


def _starts(images: NDArray[Any]) -> range:
    return range(0, len(images), _BATCH)
