"""The out-of-distribution score, which is high for images unlike the training images.

The score of an image x with logits z adds two standardized numbers:

    s(x) = (log d²(h) − m₁) / s₁ + w max(0, E(z) − m₂) / s₂

    d²(h)                        the distance of its edges h to the class of the answer
    E(z) = −log Σₖ exp zₖ        the energy of its logits

An energy below m₂, the mean energy of validation images, does not change the score: some networks
have very low energies for noise, which would make up for any distance.

The edges h are square roots of the mean slopes in 8 directions, in at most 7x7 overlapping cells of
the image. Each class is a normal distribution of h: its covariance has the R largest variances v
along the orthonormal directions U, and the variance ε along all others. With c = U (h − μ),

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
from handgrad.layers import Array, Shape
from handgrad.network import Network

OOD = "ood."  # the names of the score's arrays in a model file begin with this
ACCEPTED = 0.95  # the fraction of validation images below the threshold
MIN_IMAGES = 30  # validation images; with fewer, the threshold would be a guess

DIRECTIONS, _CELLS = 8, 7
_ENERGY_WEIGHT, _NOISE = 0.25, 0.1  # chosen on letters in other fonts; see docs/confidence.md
_MAX_RANK, _MAX_VECTORS = 64, 640
_SHARED = 256  # the dimension of the space that contains the directions of all classes
_MAX_FITTED, _MAX_HELD_OUT = 10_000, 5_000  # training images, and validation images
_BATCH, _BLOCK = 500, 50  # a block fits into the cache
_KIND = "overlapping edges and high energy"
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
        return self._combined(np.log(self._distances(network, X, logits)), energy(logits))

    def is_unlike(self, network: Network, X: ArrayLike, logits: Array) -> NDArray[np.bool_]:
        """Return whether each image is unlike the training images, (N,); see `scores`."""
        return self.scores(network, X, logits) > float(self.threshold[0])

    def _combined(self, log_d: Array, E: Array) -> NDArray[np.float64]:
        """Return the score s of images with distances log d² and energies E, (N,)."""
        center, spread, energy_center, energy_spread = self.scaling.astype(np.float64)
        return (log_d - center) / spread + np.maximum(E - energy_center, 0) / energy_spread

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
        return {"kind": _KIND, "accepted": ACCEPTED, "images": self.images}

    @classmethod
    def from_json(cls, described: Any, arrays: Mapping[str, Array], network: Network) -> Self:
        """Rebuild a score from its JSON data and its named arrays.

        Raises:
            ModelError: if they do not describe a score for the network.
        """
        kind = described.get("kind") if isinstance(described, Mapping) else None
        if kind != _KIND:
            raise ModelError(
                f"its out-of-distribution score is of the kind {kind!r}, but this version of "
                f"handgrad reads only {_KIND!r}; train the model again, or use the version of "
                "handgrad that wrote it"
            )
        if type(described.get("images")) is not int:
            raise ModelError("its out-of-distribution score lacks the number of validation images")
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
            the threshold. At most 5,000 of them are used.
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
    some = _at_most(_MAX_FITTED, len(train))
    h, y = _edges_of(network, train.images[some]), train.labels[some]
    K, P = network.classes, h.shape[1]
    rank = min(_MAX_RANK, max(1, _MAX_VECTORS // K), P)
    means, U, v = np.zeros((K, P)), np.zeros((K, rank, P)), np.zeros((K, rank))
    for k in range(K):
        means[k] = h[y == k if (y == k).any() else slice(None)].mean(axis=0, dtype=np.float64)
    h -= means.astype(np.float32)[y]
    # The directions of all classes are in the space of the largest variances within the classes.
    variances, space = np.linalg.eigh(h.T @ h / len(h))
    space = space[:, -max(rank, _SHARED) :]
    total = float(np.maximum(variances, 0).mean())
    h = h @ space
    for k in range(K):
        own = h[y == k]
        variances, vectors = np.linalg.eigh(own.T @ own / max(len(own), 1))
        v[k] = np.maximum(variances[::-1][:rank], 0)
        U[k] = (space @ vectors).T[::-1][:rank]
    fitted = {
        "means": means,
        "directions": U,
        "variances": v,
        "noise": [max(_NOISE * total, 1e-9)],
        "scaling": [0, 1, 0, 1],
        "threshold": [0],
    }
    score = OodScore(**_as_float32(fitted), images=len(validation))
    held = _at_most(_MAX_HELD_OUT, len(validation))
    Z = logits[held]
    log_d, E = np.log(score._distances(network, validation.images[held], Z)), energy(Z)
    scaling = [log_d.mean(), _spread(log_d), E.mean(), _spread(E) / _ENERGY_WEIGHT]
    score = replace(score, scaling=np.array(scaling, np.float32), images=len(held))
    limit = np.quantile(score._combined(log_d, E), ACCEPTED)
    return replace(score, threshold=np.nextafter(np.array([limit], np.float32), np.float32(np.inf)))


def _edges_of(network: Network, images: NDArray[Any]) -> Array:
    """Return the edges of images, (N, P)."""
    parts = [edges(network.as_input(images[at : at + _BATCH])) for at in _starts(images)]
    return np.concatenate(parts)


def _at_most(count: int, N: int) -> NDArray[np.int64]:
    """Return evenly spaced indices of at most `count` of N images."""
    return np.linspace(0, N - 1, min(N, count)).astype(np.int64)


def energy(logits: Array) -> NDArray[np.float64]:
    """Return the energy −log Σₖ exp zₖ of logits (N, K), (N,)."""
    Z = logits.astype(np.float64)
    largest = Z.max(axis=1, initial=-np.inf)
    return -(largest + np.log(np.exp(Z - largest[:, None]).sum(axis=1)))


def edges(X: Array) -> Array:
    """Return the edges h of images X (N, C, H, W), (N, P) float32.

    The mean over the channels is filtered with the two Sobel filters; outside the image it is 0.
    The slope in the direction (cos α, sin α) is max(0, Gx cos α + Gy sin α) for 8 angles α. The
    image is divided into square cells of equal size, at most 7 along each side. The mean slope of a
    cell has triangular weights, which are 0 from the centers of the next cells on: see `_weights`.
    h holds the square root of the mean slope of each direction and cell.
    """
    N = len(X)
    rows, columns = cell_weights(X.shape[1:])
    h = np.empty((DIRECTIONS, len(rows), len(columns), N), np.float32)
    for at in range(0, N, _BLOCK):
        part = slice(at, at + _BLOCK)
        h[..., part] = _mean_slopes(X[part], rows, columns)
    return np.ascontiguousarray(np.sqrt(h).reshape(-1, N).T)


def cell_weights(shape: Shape) -> tuple[Array, Array]:
    """Return the weights of the rows (high, H) and columns (wide, W) of images (C, H, W)."""
    _, H, W = shape
    cell = math.ceil(max(H, W) / _CELLS)
    return _weights(H, cell), _weights(W, cell)


def _weights(length: int, cell: int) -> Array:
    """Return the weights of pixels for the means of cells along one side, (cells, length).

    With cells of b pixels, pixel r has the weight max(0, 1 − |(r + ½) / b − ½ − i|) / b for cell i.
    """
    pixels, cells = np.arange(length), np.arange(math.ceil(length / cell))
    distance = np.abs((pixels + 0.5) / cell - 0.5 - cells[:, None])
    return (np.maximum(1 - distance, 0) / cell).astype(np.float32)


def _mean_slopes(X: Array, rows: Array, columns: Array) -> Array:
    """Return the mean slope of each direction and cell of images X, (8, high, wide, N).

    The images are the last axis of each array, so that NumPy computes them at the same time.

    Args:
        X: images, (N, C, H, W).
        rows: the weights of the rows for each cell, (high, H).
        columns: the weights of the columns for each cell, (wide, W).
    """
    N, C, H, W = X.shape
    x = np.zeros((H + 2, W + 2, N), np.float32)
    x[1:-1, 1:-1] = (X[:, 0] if C == 1 else X.mean(axis=1)).transpose(1, 2, 0)
    smooth = x[:-2] + x[2:]
    smooth += 2 * x[1:-1]
    gx = smooth[:, 2:] - smooth[:, :-2]
    smooth = x[:, :-2] + x[:, 2:]
    smooth += 2 * x[:, 1:-1]
    gy = smooth[2:] - smooth[:-2]
    means = np.empty((DIRECTIONS, len(rows), len(columns), N), np.float32)
    half = DIRECTIONS // 2  # the slope of an opposite direction is max(0, -g)
    for k, g in enumerate((gx, gx + gy, gy, gy - gx)):
        means[k] = _weighted(np.maximum(g, 0), rows, columns)
        means[k + half] = _weighted(np.maximum(-g, 0), rows, columns)
    means[::2] *= np.float32(1 / 8)
    means[1::2] *= np.float32(math.sqrt(0.5) / 8)  # the directions between the axes
    return means


def _weighted(slope: Array, rows: Array, columns: Array) -> Array:
    """Return the weighted means of slopes (H, W, N) in each cell, (high, wide, N)."""
    H, W, N = slope.shape
    return columns @ (rows @ slope.reshape(H, -1)).reshape(len(rows), W, N)


def _as_float32(arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def _spread(values: NDArray[np.float64]) -> float:
    """Return the standard deviation, or 1 if all values are equal."""
    spread = float(values.std())
    return spread if spread > 1e-12 else 1.0


def _starts(images: NDArray[Any]) -> range:
    return range(0, len(images), _BATCH)
