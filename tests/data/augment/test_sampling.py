"""What becomes of an image follows from seed, epoch and place alone, as far as it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data.augment import Augmentation, Moves
from handgrad.data.augment import grid as place_of
from handgrad.data.augment.grid import FINE, HEAD, LIGHT, PIXEL
from handgrad.data.augment.sampling import tables_for
from handgrad.data.augment.transform import _sources  # type: ignore[attr-defined]
from handgrad.layers import Array
from tests.data.augment.test_augmentation import augmentations

SIZE = (28, 28)
MANY = np.arange(20_000)


def heads(**settings: float) -> Array:
    """Return the heads of many images, as they are drawn."""
    return Moves(Augmentation(**settings), 0, 1).table(MANY, SIZE)[:, :HEAD]  # type: ignore[arg-type]


@given(augmentations(), st.integers(0, 2**40), st.sampled_from([(1, 1), (8, 5), (28, 28)]))
def test_numbers_are_whole_and_small_and_do_not_depend_on_company(
    augmentation: Augmentation, far: int, size: tuple[int, int]
) -> None:
    places = np.array([3, 0, far, 7, 3])
    moves = Moves(augmentation, 5, 2)
    table = moves.table(places, size)
    assert table.dtype == np.float32
    assert np.array_equal(table, np.rint(table))
    assert np.abs(table).max() < 2**24
    assert np.array_equal(table[0], table[4])
    for row, place in zip(table, places, strict=True):
        assert np.array_equal(row, moves.table(np.array([place]), size)[0])


def test_seeds_epochs_and_places_are_all_different() -> None:
    augmentation = Augmentation.of("light")
    assert augmentation is not None
    rows = [
        Moves(augmentation, seed, epoch).table(np.arange(5), SIZE)[:, 0].tolist()
        for seed in (0, 1)
        for epoch in (1, 2)
    ]
    assert len({number for row in rows for number in row}) == 20


def test_shifts_are_uniform_and_either_way() -> None:
    drawn = heads(shift=0.1, rotation=1)
    middle = 13.5 * PIXEL * FINE
    for column in (place_of.Y, place_of.X):
        shift = (middle - drawn[:, column]) / (PIXEL * FINE)
        assert np.abs(shift).max() == pytest.approx(2.8, rel=1e-3)
        assert shift.mean() == pytest.approx(0, abs=0.05)
        assert shift.std() == pytest.approx(2.8 / 3**0.5, rel=0.02)


def test_shifts_alone_are_by_whole_pixels() -> None:
    drawn = heads(shift=0.07)[:, place_of.Y]
    shifts = (13.5 - drawn / (PIXEL * FINE)).astype(int)
    assert np.array_equal(np.unique(13.5 - drawn / (PIXEL * FINE)), [-2, -1, 0, 1, 2])
    assert np.bincount(shifts + 2)[1:4] / len(shifts) == pytest.approx(1 / 3.92, rel=0.04)


@pytest.mark.parametrize(
    ("settings", "largest"),
    [({"rotation": 15.0}, 15.0), ({"rotation": 180.0, "scale": 0.3}, 180.0)],
)
def test_angles_are_uniform(settings: dict[str, float], largest: float) -> None:
    drawn = heads(**settings)
    angles = np.rad2deg(np.arctan2(drawn[:, place_of.Y_BY_X], drawn[:, place_of.Y_BY_Y]))
    assert np.abs(angles).max() == pytest.approx(largest, rel=0.01)
    assert angles.mean() == pytest.approx(0, abs=largest / 50)
    assert angles.std() == pytest.approx(largest / 3**0.5, rel=0.02)


def test_sizes_are_up_to_so_much_larger_or_smaller() -> None:
    drawn = heads(scale=0.25, shear=1e-9)
    larger = PIXEL * FINE / 2 / drawn[:, place_of.Y_BY_Y]
    assert larger.min() == pytest.approx(1 / 1.25, rel=2e-3)
    assert larger.max() == pytest.approx(1.25, rel=2e-3)
    assert np.median(larger) == pytest.approx(1, abs=0.01)
    assert np.array_equal(drawn[:, place_of.Y_BY_Y], drawn[:, place_of.X_BY_X])


def test_stretching_keeps_the_area() -> None:
    drawn = heads(stretch=0.21)
    high, wide = (2048 / drawn[:, column] for column in (place_of.Y_BY_Y, place_of.X_BY_X))
    assert (wide / high).max() == pytest.approx(1.21, rel=2e-3)
    assert wide * high == pytest.approx(np.ones(len(wide)), abs=2e-3)


def test_half_of_the_images_are_mirrored_and_half_are_erased() -> None:
    drawn = heads(flip=True, erase=0.5)
    assert (drawn[:, place_of.X_BY_X] < 0).mean() == pytest.approx(0.5, abs=0.015)
    heights = drawn[:, place_of.BOTTOM] - drawn[:, place_of.TOP]
    assert (heights > 0).mean() == pytest.approx(0.5, abs=0.015)
    assert heights.max() == 14
    assert drawn[:, place_of.TOP].min() == 0
    assert drawn[:, place_of.BOTTOM].max() == 28


def test_strokes_become_wider_more_than_narrower() -> None:
    wider = heads(stroke=0.4)[:, place_of.STROKE] / PIXEL
    assert wider.max() == pytest.approx(0.4, abs=0.01)
    assert wider.min() == pytest.approx(-0.2, abs=0.01)


def test_half_of_the_images_lose_some_contrast() -> None:
    drawn = heads(contrast=0.6)
    gain, lift = drawn[:, place_of.GAIN] / PIXEL, drawn[:, place_of.LIFT] / (PIXEL * LIGHT)
    assert (gain < 1).mean() == pytest.approx(0.5, abs=0.015)
    assert gain.min() == pytest.approx(0.4, abs=0.01)
    assert gain[gain < 1].mean() == pytest.approx(0.7, abs=0.01)
    assert (gain + lift).max() <= 1
    assert (lift / (1 - gain).clip(1e-9))[gain < 1].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("smoothness", [0.125, 0.25, 1.0])
@pytest.mark.parametrize("size", [(28, 28), (16, 40)])
def test_the_distortion_is_as_large_and_as_smooth_as_it_should_be(
    size: tuple[int, int], smoothness: float
) -> None:
    elastic = Augmentation(elastic=0.03, smoothness=smoothness)
    tables = tables_for(elastic, size)
    y, x = _sources(Moves(elastic, 0, 1).table(np.arange(3000), size), tables)
    for at, axis, side in ((y, 0, size[0]), (x, 1, size[1])):
        own = np.arange(side) * PIXEL + PIXEL
        off = at.reshape(-1, *size) - (own[:, None] if axis == 0 else own)
        inner = off[:, 3:-3, 3:-3] / PIXEL  # at the rim places are held to the image
        assert np.sqrt((inner**2).mean()) == pytest.approx(0.03 * min(size), rel=0.06)
        steps = np.sqrt((np.diff(inner, axis=1) ** 2).mean())
        assert steps < 2.2 * 0.03 * min(size) / (smoothness * size[0])
