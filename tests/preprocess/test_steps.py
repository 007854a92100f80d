import numpy as np
import pytest
from PIL import Image

from handgrad.preprocess import (
    CompositeAlpha,
    Denoise,
    Downscale,
    Grayscale,
    GrayToRGB,
    Invert,
    Resize,
    UndoUpscale,
)

DARK, LIGHT = [0, 0, 0], [255, 255, 255]


def rgba(ink):
    """Return a 2x2 image with one opaque, one half-transparent and two transparent pixels."""
    X = np.zeros((2, 2, 4), np.uint8)
    X[:, :, :3] = ink
    X[0, 0, 3], X[1, 1, 3] = 255, 128
    return X


@pytest.mark.parametrize(
    ("background", "ink", "seen"),
    [
        ("white", DARK, [[0, 255], [255, 127]]),
        ("white", LIGHT, [[255, 255], [255, 255]]),
        ("black", DARK, [[0, 0], [0, 0]]),
        ("black", LIGHT, [[255, 0], [0, 128]]),
        ("contrast", DARK, [[0, 255], [255, 127]]),
        ("contrast", LIGHT, [[255, 0], [0, 128]]),
    ],
)
def test_transparent_pixels_show_the_background(background, ink, seen):
    X = rgba(ink)
    assert np.array_equal(
        CompositeAlpha(background)(X), np.repeat(np.uint8(seen)[:, :, None], 3, axis=2)
    )
    assert CompositeAlpha(background)(X[:, :, [0, 3]])[:, :, 0].tolist() == seen


def test_opaque_and_fully_transparent_images():
    X = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert CompositeAlpha()(X) is X
    assert (CompositeAlpha()(np.zeros((2, 2, 4), np.uint8)) == 255).all()


def test_grey_is_the_luma():
    colours = np.uint8([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [7, 7, 7], [255, 255, 255]]])
    assert Grayscale()(colours)[0, :, 0].tolist() == [76, 150, 29, 7, 255]
    assert np.array_equal(GrayToRGB()(Grayscale()(colours))[0, :, 2], [76, 150, 29, 7, 255])


def test_invert():
    assert Invert()(np.uint8([[[0], [100]]])).tolist() == [[[255], [155]]]


def test_resize_keeps_proportions_and_fills_with_the_colour_at_the_edges():
    X = np.full((2, 4, 1), 200, np.uint8)
    X[0, 1] = 10  # fewer than half of those at the edges
    kept = Resize(4, 4)(X)[:, :, 0]
    assert kept.tolist() == [[200] * 4, [200, 10, 200, 200], [200] * 4, [200] * 4]


def test_resize_stretches_if_asked():
    X = np.uint8([[[0], [255]]])
    assert Resize(2, 4, keep_aspect=False)(X)[:, :, 0].tolist() == [[0, 64, 191, 255]] * 2


def test_resize_averages_when_it_shrinks():
    X = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    mean = X.reshape(2, 3, 3, 3, 3).mean(axis=(1, 3))
    assert abs(Resize(2, 3)(X).astype(float) - mean).max() <= 1


def test_downscale_keeps_small_images():
    X = np.zeros((6, 9, 1), np.uint8)
    assert Downscale(9)(X) is X
    assert Downscale(3)(X).shape == (2, 3, 1)
    assert Downscale(3)(np.zeros((900, 1, 1), np.uint8)).shape == (3, 1, 1)


@pytest.mark.parametrize("size", [(16, 16), (40, 40), (24, 56), (100, 100), (93, 93)])
def test_nearest_neighbour_upscaling_is_undone(size):
    small = np.random.default_rng(0).integers(0, 256, (8, 8, 1), np.uint8)
    large = Image.fromarray(small[:, :, 0]).resize(size[::-1], Image.Resampling.NEAREST)
    canvas = np.full((200, 150, 1), 255, np.uint8)
    canvas[31 : 31 + size[0], 17 : 17 + size[1], 0] = large
    own = UndoUpscale()(canvas)
    if size == (24, 56):  # 3 down and 7 across is no enlargement in proportion
        assert own is canvas
        return
    inside = own[(own != 255).any(axis=(1, 2))][:, (own != 255).any(axis=(0, 2))]
    assert np.array_equal(inside, small)


def test_drawings_and_noise_are_not_taken_for_upscaling():
    noise = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    assert UndoUpscale()(noise) is noise
    plain = np.zeros((9, 7, 1), np.uint8)
    assert UndoUpscale()(plain) is plain
    lines = np.zeros((60, 60, 1), np.uint8)
    lines[10:12, 5:50], lines[20:25, 5:50] = 255, 255  # 2, 8 and 5 rows
    assert UndoUpscale()(lines) is lines


def test_only_noisy_images_are_denoised():
    rng = np.random.default_rng(0)
    grainy = np.clip(rng.normal(128, 20, (330, 250, 1)), 0, 255).astype(np.uint8)
    calm = Denoise(100)(grainy)
    assert calm.shape == (110, 83, 1)
    assert abs(calm.std() - 20 / 3) < 0.5
    assert Denoise(200)(grainy) is grainy
    drawn = np.zeros((330, 250, 1), np.uint8)
    drawn[100:120] = 255
    assert Denoise(100)(drawn) is drawn
    line = grainy[:, :1]
    assert Denoise(100)(line) is line
