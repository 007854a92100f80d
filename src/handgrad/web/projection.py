"""Principal component analysis of features: a map of images in two dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from handgrad.layers import Array

COMPONENTS = 2


def project(
    features: Array, own: Array | None = None
) -> tuple[NDArray[np.float64], list[float], NDArray[np.float64] | None]:
    """Return the first two principal components of features.

    With X the centred features, X = U S Vᵀ, the places are X V = U S, and the explained variance of
    a component is Sᵢ² / Σ S². They are computed from the smaller of the two matrices X Xᵀ and Xᵀ X.
    The sign of a component is such that its place with the largest magnitude is positive.

    Args:
        features: one row per image, (N, D).
        own: the features of another image, (D,), which is placed by the same V; or None.

    Returns:
        The places (N, 2) in float64, the explained variance of each component as a share from 0 to
        1, and the place (2,) of the other image or None. A component without variance is 0.
    """
    X = features.astype(np.float64)
    mean = X.mean(axis=0)
    X -= mean
    N, D = X.shape
    squares, vectors = np.linalg.eigh(X.T @ X if D <= N else X @ X.T)
    squares = np.maximum(squares[::-1], 0.0)
    vectors = vectors[:, ::-1]
    total = float(squares.sum())
    V = np.zeros((D, COMPONENTS))
    for i in range(min(COMPONENTS, len(squares))):
        if squares[i] > 1e-12 * max(total, 1e-300):
            V[:, i] = vectors[:, i] if D <= N else X.T @ vectors[:, i] / np.sqrt(squares[i])
    places = X @ V
    largest = places[np.abs(places).argmax(axis=0), range(COMPONENTS)]
    sign = np.where(largest < 0, -1.0, 1.0)
    shares = [
        float(squares[i] / total) if total > 0 and i < len(squares) else 0.0
        for i in range(COMPONENTS)
    ]
    place = None if own is None else (own.astype(np.float64) - mean) @ V * sign
    return places * sign, shares, place
