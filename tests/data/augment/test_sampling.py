"""Tests of `EpochAugmentation.sample`, which is reproducible and has the right distributions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data.augment import Augmentation, EpochAugmentation
from handgrad.data.augment import layout as column_of
from handgrad.data.augment.augmentation import grid_for
from handgrad.data.augment.layout import FINE, HEAD, LIGHT, PIXEL
from handgrad.data.augment.transform import _source_positions  # type: ignore[attr-defined]
from handgrad.layers import Array
from tests.data.augment.test_augmentation import augmentations

SIZE = (28, 28)
MANY = np.arange(20_000)


def heads(**settings: float) -> Array:
    """Return the head parameters of many images."""
    return EpochAugmentation(Augmentation(**settings), 0, 1).sample(MANY, SIZE)[:, :HEAD]  # type: ignore[arg-type]


@given(augmentations(), st.integers(0, 2**40), st.sampled_from([(1, 1), (8, 5), (28, 28)]))
def test_parameters_are_small_integers_and_independent_of_the_batch(
    augmentation: Augmentation, far: int, size: tuple[int, int]
) -> None:
    indices = np.array([3, 0, far, 7, 3])
    epoch = EpochAugmentation(augmentation, 5, 2)
    parameters = epoch.sample(indices, size)
    assert parameters.dtype == np.float32
    assert np.array_equal(parameters, np.rint(parameters))
    assert np.abs(parameters).max() < 2**24
    assert np.array_equal(parameters[0], parameters[4])
    for row, index in zip(parameters, indices, strict=True):
        assert np.array_equal(row, epoch.sample(np.array([index]), size)[0])


def test_seeds_epochs_and_indices_all_give_different_parameters() -> None:
    augmentation = Augmentation.of("light")
    assert augmentation is not None
    rows = [
        EpochAugmentation(augmentation, seed, epoch).sample(np.arange(5), SIZE)[:, 0].tolist()
        for seed in (0, 1)
        for epoch in (1, 2)
    ]
    assert len({number for row in rows for number in row}) == 20


def test_shifts_are_uniform_in_both_directions() -> None:
    sampled = heads(shift=0.1, rotation=1)
    middle = 13.5 * PIXEL * FINE
    for column in (column_of.Y, column_of.X):
        shift = (middle - sampled[:, column]) / (PIXEL * FINE)
        assert np.abs(shift).max() == pytest.approx(2.8, rel=1e-3)
        assert shift.mean() == pytest.approx(0, abs=0.05)
        assert shift.std() == pytest.approx(2.8 / 3**0.5, rel=0.02)


def test_shifts_without_other_changes_are_whole_pixels() -> None:
    sampled = heads(shift=0.07)[:, column_of.Y]
    shifts = (13.5 - sampled / (PIXEL * FINE)).astype(int)
    assert np.array_equal(np.unique(13.5 - sampled / (PIXEL * FINE)), [-2, -1, 0, 1, 2])
    assert np.bincount(shifts + 2)[1:4] / len(shifts) == pytest.approx(1 / 3.92, rel=0.04)


@pytest.mark.parametrize(
    ("settings", "largest"),
    [({"rotation": 15.0}, 15.0), ({"rotation": 180.0, "scale": 0.3}, 180.0)],
)
def test_angles_are_uniform(settings: dict[str, float], largest: float) -> None:
    sampled = heads(**settings)
    angles = np.rad2deg(np.arctan2(sampled[:, column_of.Y_BY_X], sampled[:, column_of.Y_BY_Y]))
    assert np.abs(angles).max() == pytest.approx(largest, rel=0.01)
    assert angles.mean() == pytest.approx(0, abs=largest / 50)
    assert angles.std() == pytest.approx(largest / 3**0.5, rel=0.02)


def test_scales_cover_their_range() -> None:
    sampled = heads(scale=0.25, shear=1e-9)
    larger = PIXEL * FINE / 2 / sampled[:, column_of.Y_BY_Y]
    assert larger.min() == pytest.approx(1 / 1.25, rel=2e-3)
    assert larger.max() == pytest.approx(1.25, rel=2e-3)
    assert np.median(larger) == pytest.approx(1, abs=0.01)
    assert np.array_equal(sampled[:, column_of.Y_BY_Y], sampled[:, column_of.X_BY_X])


def test_stretching_keeps_the_area() -> None:
    sampled = heads(stretch=0.21)
    high, wide = (2048 / sampled[:, column] for column in (column_of.Y_BY_Y, column_of.X_BY_X))
    assert (wide / high).max() == pytest.approx(1.21, rel=2e-3)
    assert wide * high == pytest.approx(np.ones(len(wide)), abs=2e-3)


def test_half_of_the_images_are_mirrored_and_half_are_erased() -> None:
    sampled = heads(flip=True, erase=0.5)
    assert (sampled[:, column_of.X_BY_X] < 0).mean() == pytest.approx(0.5, abs=0.015)
    heights = sampled[:, column_of.BOTTOM] - sampled[:, column_of.TOP]
    assert (heights > 0).mean() == pytest.approx(0.5, abs=0.015)
    assert heights.max() == 14
    assert sampled[:, column_of.TOP].min() == 0
    assert sampled[:, column_of.BOTTOM].max() == 28


def test_strokes_become_wider_more_than_narrower() -> None:
    wider = heads(stroke=0.4)[:, column_of.STROKE] / PIXEL
    assert wider.max() == pytest.approx(0.4, abs=0.01)
    assert wider.min() == pytest.approx(-0.2, abs=0.01)


def test_half_of_the_images_lose_some_contrast() -> None:
    sampled = heads(contrast=0.6)
    gain, lift = sampled[:, column_of.GAIN] / PIXEL, sampled[:, column_of.LIFT] / (PIXEL * LIGHT)
    assert (gain < 1).mean() == pytest.approx(0.5, abs=0.015)
    assert gain.min() == pytest.approx(0.4, abs=0.01)
    assert gain[gain < 1].mean() == pytest.approx(0.7, abs=0.01)
    assert (gain + lift).max() <= 1
    assert (lift / (1 - gain).clip(1e-9))[gain < 1].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("smoothness", [0.125, 0.25, 1.0])
@pytest.mark.parametrize("size", [(28, 28), (16, 40)])
def test_the_elastic_distortion_has_the_given_size_and_smoothness(
    size: tuple[int, int], smoothness: float
) -> None:
    elastic = Augmentation(elastic=0.03, smoothness=smoothness)
    grid = grid_for(elastic, size)
    y, x = _source_positions(EpochAugmentation(elastic, 0, 1).sample(np.arange(3000), size), grid)
    for at, axis, side in ((y, 0, size[0]), (x, 1, size[1])):
        identity = np.arange(side) * PIXEL + PIXEL
        off = at.reshape(-1, *size) - (identity[:, None] if axis == 0 else identity)
        inner = off[:, 3:-3, 3:-3] / PIXEL  # at the edges positions are clipped
        assert np.sqrt((inner**2).mean()) == pytest.approx(0.03 * min(size), rel=0.06)
        steps = np.sqrt((np.diff(inner, axis=1) ** 2).mean())
        assert steps < 2.2 * 0.03 * min(size) / (smoothness * size[0])
