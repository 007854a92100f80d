import numpy as np
import pytest

from handgrad.preparation import Colours, Grey, Invert, OnGround, Resize, Shrink

DARK, LIGHT = [0, 0, 0], [255, 255, 255]


def rgba(ink):
    """A 2x2 picture: one pixel of ink, one half seen, two empty ones."""
    X = np.zeros((2, 2, 4), np.uint8)
    X[:, :, :3] = ink
    X[0, 0, 3], X[1, 1, 3] = 255, 128
    return X


@pytest.mark.parametrize(
    ("ground", "ink", "seen"),
    [
        ("white", DARK, [[0, 255], [255, 127]]),
        ("white", LIGHT, [[255, 255], [255, 255]]),
        ("black", DARK, [[0, 0], [0, 0]]),
        ("black", LIGHT, [[255, 0], [0, 128]]),
        ("contrast", DARK, [[0, 255], [255, 127]]),
        ("contrast", LIGHT, [[255, 0], [0, 128]]),
    ],
)
def test_transparency_gets_its_ground(ground, ink, seen):
    X = rgba(ink)
    assert np.array_equal(OnGround(ground)(X), np.repeat(np.uint8(seen)[:, :, None], 3, axis=2))
    assert OnGround(ground)(X[:, :, [0, 3]])[:, :, 0].tolist() == seen


def test_what_is_opaque_or_wholly_transparent():
    X = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert OnGround()(X) is X
    assert (OnGround()(np.zeros((2, 2, 4), np.uint8)) == 255).all()


def test_grey_weighs_the_colours():
    colours = np.uint8([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [7, 7, 7], [255, 255, 255]]])
    assert Grey()(colours)[0, :, 0].tolist() == [76, 150, 29, 7, 255]
    assert np.array_equal(Colours()(Grey()(colours))[0, :, 2], [76, 150, 29, 7, 255])


def test_invert():
    assert Invert()(np.uint8([[[0], [100]]])).tolist() == [[[255], [155]]]


def test_resize_keeps_proportions_and_fills_with_the_colour_at_the_edges():
    X = np.full((2, 4, 1), 200, np.uint8)
    X[0, 1] = 10  # fewer than half of those at the edges
    kept = Resize(4, 4)(X)[:, :, 0]
    assert kept.tolist() == [[200] * 4, [200, 10, 200, 200], [200] * 4, [200] * 4]


def test_resize_stretches_if_asked():
    X = np.uint8([[[0], [255]]])
    assert Resize(2, 4, keep=False)(X)[:, :, 0].tolist() == [[0, 64, 191, 255]] * 2


def test_shrinking_takes_the_mean():
    X = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    mean = X.reshape(2, 3, 3, 3, 3).mean(axis=(1, 3))
    assert abs(Resize(2, 3)(X).astype(float) - mean).max() <= 1


def test_shrink_leaves_what_is_small():
    X = np.zeros((6, 9, 1), np.uint8)
    assert Shrink(9)(X) is X
    assert Shrink(3)(X).shape == (2, 3, 1)
    assert Shrink(3)(np.zeros((900, 1, 1), np.uint8)).shape == (3, 1, 1)
