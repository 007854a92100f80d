"""The kernels in `kernels.norm` agree with their formulas for partial and several chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from tests.engines.compiled.kernels.arrays import (
    TOLERANCE,
    chunked,
    random,
    step_state,
    unset,
)

few = settings(max_examples=15, report_multiple_bugs=False)
# Features, area, images.
SIZES = [(1, 1, 5), (3, 7, 16), (5, 4, 21), (2, 9, 50)]
sizes = pytest.mark.parametrize(("F", "area", "N"), SIZES)
shapes = pytest.mark.parametrize(("F", "area"), [(F, area) for F, area, _ in SIZES])


def by_feature(F: int, array: NDArray[Any]) -> NDArray[Any]:
    """Reshape one number per feature so that it broadcasts over (F, area, lanes)."""
    return array[:F, None, None]


def statistics_of(X: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean and the squared deviation of images (N, F, area), for each chunk."""
    parts = [X[start : start + LANES] for start in range(0, len(X), LANES)]
    means = np.array([part.mean(axis=(0, 2)) for part in parts])
    deviations = [
        ((part - mean[None, :, None]) ** 2).sum(axis=(0, 2))
        for part, mean in zip(parts, means, strict=True)
    ]
    return means, np.array(deviations)


@sizes
def test_statistics(F: int, area: int, N: int) -> None:
    X = random(0, N, F, area) + 3
    means, deviations = statistics_of(X)
    lanes = chunked(X, 1e9)  # lanes without an image may hold anything
    for chunk, own in enumerate(lanes):
        mean, deviation = unset(F), unset(F)
        call_kernel(
            "norm.statistics",
            X=own,
            features=F,
            area=area,
            step_state=step_state(N),
            chunk=chunk,
            mean=mean,
            deviation=deviation,
        )
        np.testing.assert_allclose(mean, means[chunk], rtol=1e-4)
        np.testing.assert_allclose(deviation, deviations[chunk], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(lanes, chunked(X))  # they become zero


@sizes
def test_combine(F: int, area: int, N: int) -> None:
    X = random(0, N, F, area) + 3
    means, deviations = statistics_of(X)
    mean, var, std = unset(F), unset(F), unset(F)
    call_kernel(
        "norm.combine",
        means=means,
        deviations=deviations,
        stride=F,
        features=F,
        area=area,
        step_state=step_state(N),
        eps=0.1,
        mean=mean,
        var=var,
        std=std,
    )
    np.testing.assert_allclose(mean, X.mean(axis=(0, 2)), rtol=1e-4)
    np.testing.assert_allclose(var, X.var(axis=(0, 2)), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(std, np.sqrt(X.var(axis=(0, 2)) + 0.1), rtol=1e-3)


@shapes
def test_forward(F: int, area: int) -> None:
    X, mean, weight, bias = (random(n, *s) for n, s in enumerate([(F, area, LANES), *[(F,)] * 3]))
    std, Y = np.abs(random(9, F)) + np.float32(0.1), unset(F, area, LANES)
    X_hat = (X - by_feature(F, mean)) / by_feature(F, std)
    arguments = {"mean": mean, "std": std, "weight": weight, "bias": bias}
    call_kernel("norm.forward", X=X, Y=Y, features=F, area=area, **arguments)
    np.testing.assert_allclose(X, X_hat, **TOLERANCE)
    expected = by_feature(F, weight) * X_hat + by_feature(F, bias)
    np.testing.assert_allclose(Y, expected, rtol=1e-4, atol=1e-4)


@shapes
def test_infer(F: int, area: int) -> None:
    X, mean, weight, bias = (random(n, *s) for n, s in enumerate([(F, area, LANES), *[(F,)] * 3]))
    var = np.abs(random(9, F))
    scale = by_feature(F, weight) / np.sqrt(by_feature(F, var) + 0.01)
    expected = scale * (X - by_feature(F, mean)) + by_feature(F, bias)
    arguments = {"mean": mean, "var": var, "weight": weight, "bias": bias}
    call_kernel("norm.infer", X=X, eps=0.01, features=F, area=area, **arguments)
    np.testing.assert_allclose(X, expected, rtol=1e-4, atol=1e-4)


@shapes
def test_gradient(F: int, area: int) -> None:
    X_hat, dY = random(0, F, area, LANES), random(1, F, area, LANES)
    dweight, dbias = unset(F), unset(F)
    arguments = {"X_hat": X_hat, "dY": dY, "dweight": dweight, "dbias": dbias}
    call_kernel("norm.gradient", features=F, area=area, **arguments)
    np.testing.assert_allclose(dweight, (dY * X_hat).sum(axis=(1, 2)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(dbias, dY.sum(axis=(1, 2)), rtol=1e-4, atol=1e-4)


@sizes
def test_mean_gradient(F: int, area: int, N: int) -> None:
    chunks = -(-N // LANES)
    dweights, dbiases = random(0, chunks, 2 * F), random(1, chunks, 2 * F)
    mean_dY_X, mean_dY = unset(F), unset(F)
    call_kernel(
        "norm.mean_gradient",
        dweights=dweights,
        dbiases=dbiases,
        stride=2 * F,
        features=F,
        area=area,
        step_state=step_state(N),
        mean_dY_X=mean_dY_X,
        mean_dY=mean_dY,
    )
    np.testing.assert_allclose(mean_dY_X, dweights.sum(axis=0)[:F] / (N * area), **TOLERANCE)
    np.testing.assert_allclose(mean_dY, dbiases.sum(axis=0)[:F] / (N * area), **TOLERANCE)


@sizes
def test_backward(F: int, area: int, N: int) -> None:
    X_hat, dY = random(0, F, area, LANES), random(1, F, area, LANES)
    mean_dY_X, mean_dY, weight = random(2, F), random(3, F), random(4, F)
    std, chunk = np.abs(random(5, F)) + np.float32(0.1), (N - 1) // LANES
    slope = by_feature(F, mean_dY_X)
    expected = dY - by_feature(F, mean_dY) - X_hat * slope
    expected *= by_feature(F, weight) / by_feature(F, std)
    expected[..., N - chunk * LANES :] = 0
    call_kernel(
        "norm.backward",
        X_hat=X_hat,
        dY=dY,
        mean_dY_X=mean_dY_X,
        mean_dY=mean_dY,
        weight=weight,
        std=std,
        features=F,
        area=area,
        step_state=step_state(N),
        chunk=chunk,
    )
    np.testing.assert_allclose(dY, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("F", "area", "N"), [*SIZES, (4, 1, 1)])
def test_update_buffers(F: int, area: int, N: int) -> None:
    mean, var = random(0, F), np.abs(random(1, F))
    running_mean, running_var = random(2, F), np.abs(random(3, F))
    count, nonfinite = N * area, np.zeros(1, np.int64)
    expected = running_mean, running_var
    if count > 1:
        unbiased = var * count / (count - 1)
        expected = 0.75 * running_mean + 0.25 * mean, 0.75 * running_var + 0.25 * unbiased
    expected = expected[0].copy(), expected[1].copy()
    call_kernel(
        "norm.update_buffers",
        mean=mean,
        var=var,
        running_mean=running_mean,
        running_var=running_var,
        features=F,
        area=area,
        momentum=0.25,
        step_state=step_state(N),
        nonfinite=nonfinite,
    )
    np.testing.assert_allclose(running_mean, expected[0], **TOLERANCE)
    np.testing.assert_allclose(running_var, expected[1], **TOLERANCE)
    assert nonfinite[0] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("statistic", ["mean", "var"])
def test_running_statistics_that_are_not_finite_are_flagged(statistic: str, bad: float) -> None:
    statistics, nonfinite = {"mean": random(0, 21), "var": np.abs(random(1, 21))}, np.zeros(1, int)
    statistics[statistic][20] = bad
    call_kernel(
        "norm.update_buffers",
        running_mean=random(2, 21),
        running_var=random(3, 21),
        features=21,
        area=2,
        momentum=0.25,
        step_state=step_state(5),
        nonfinite=nonfinite,
        **statistics,
    )
    assert nonfinite[0] == 1


@shapes
def test_normalize(F: int, area: int) -> None:
    X, shift, scale = random(0, F, area, LANES), random(1, F), random(2, F)
    expected = X * by_feature(F, scale) - by_feature(F, shift)
    call_kernel("norm.normalize", X=X, shift=shift, scale=scale, features=F, area=area)
    np.testing.assert_allclose(X, expected, **TOLERANCE)


@shapes
def test_normalize_backward(F: int, area: int) -> None:
    dY, scale = random(0, F, area, LANES), random(2, F)
    expected = dY * by_feature(F, scale)
    call_kernel("norm.normalize_backward", dY=dY, scale=scale, features=F, area=area)
    np.testing.assert_allclose(dY, expected, **TOLERANCE)


@few
@given(F=st.integers(1, 6), area=st.integers(1, 9), N=st.integers(1, 50))
def test_batch_normalization_of_any_size(F: int, area: int, N: int) -> None:
    test_statistics(F, area, N)
    test_combine(F, area, N)
    test_forward(F, area)
    test_gradient(F, area)
    test_mean_gradient(F, area, N)
    test_backward(F, area, N)
    test_update_buffers(F, area, N)
