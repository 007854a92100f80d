import numpy as np
import pytest
from PIL import Image, ImageFilter

from handgrad.data import SOURCES
from handgrad.data.formats.idx import read_images
from handgrad.data.named.locate import find
from handgrad.preprocess import (
    Binarize,
    CenterByMass,
    CropToInk,
    InvertDarkInk,
    ScaleToFit,
    StretchContrast,
    Upscale,
)
from handgrad.preprocess import drawing as mnist_preprocessing
from tests.preprocess.drawings import seven


def test_dark_ink_is_detected_by_the_background():
    dark, light = seven(), 255 - seven()
    assert np.array_equal(InvertDarkInk()(dark), light)
    assert np.array_equal(InvertDarkInk()(light), light)
    on_grey = seven(ink=0, paper=120)  # darker than its ground, on a ground that is dark
    assert np.array_equal(InvertDarkInk()(on_grey), 255 - on_grey)


def test_cropping_ignores_blur():
    X = np.zeros((20, 30, 1), np.uint8)
    X[5:11, 8:20] = 255
    X[4, 8:20] = 31  # the edge of a blur
    assert CropToInk()(X).shape == (6, 12, 1)
    faint = np.zeros((9, 9, 1), np.uint8)
    faint[2, 3] = 20
    assert CropToInk()(faint).shape == (1, 1, 1)
    assert CropToInk()(faint * 0).shape == (9, 9, 1)


@pytest.mark.parametrize(("size", "fitted"), [((40, 10), (20, 5)), ((3, 6), (10, 20))])
def test_scaling_keeps_the_aspect_ratio(size, fitted):
    assert ScaleToFit(20)(np.zeros((*size, 1), np.uint8)).shape == (*fitted, 1)


def test_faint_ink_is_stretched():
    assert StretchContrast()(np.uint8([[[0], [20], [50], [50]]]))[0, :, 0].tolist() == [
        0,
        102,
        255,
        255,
    ]
    strong = np.uint8([[[0], [100], [252], [252]]])
    assert StretchContrast()(strong) is strong
    assert StretchContrast()(np.zeros((2, 2, 1), np.uint8)).max() == 0


def test_binarize_separates_ink_from_blur():
    X = np.zeros((40, 40, 1), np.uint8)
    X[10:20], X[9] = 200, 90
    parted = Binarize(40)(X)
    assert np.array_equal(parted, np.where(X == 200, 255, 0))
    assert Binarize(41)(X) is X
    assert Binarize(40)(X * 0).max() == 0


def test_specks_are_removed_and_thin_lines_kept():
    X = np.zeros((40, 40, 1), np.uint8)
    X[5:35, 20] = 255  # a line one pixel wide
    specks = X.copy()
    specks[3, 3], specks[30:32, 5:7], specks[39, 39] = 255, 255, 255
    X[5:7], X[33:35] = 0, 0  # the line's ends are as much alone
    assert np.array_equal(Binarize(40, speck=4)(specks), X)
    assert np.array_equal(Binarize(40)(specks), specks)


def test_small_images_are_upscaled_smoothly():
    X = np.uint8([[0, 128, 255, 128, 0]])[:, :, None]
    grown = Upscale(14, 80)(X)
    assert grown.shape == (34, 80, 1)
    assert grown[17, 40] > 180
    assert abs(np.diff(grown[17, :, 0].astype(int))).max() < 30
    large = np.zeros((14, 3, 1), np.uint8)
    assert Upscale(14, 80)(large) is large


def test_the_centre_of_mass_is_in_the_middle():
    X = np.zeros((20, 12, 1), np.uint8)
    X[2, 3], X[4, 9] = 100, 100  # the mean lies at (3.5, 6.5)
    centred = CenterByMass(28)(X)[:, :, 0]
    ys, xs = np.nonzero(centred)
    assert (ys + 0.5).mean() in (13.5, 14, 14.5)
    assert (xs + 0.5).mean() in (13.5, 14, 14.5)
    assert centred.sum() == 200


def test_ink_that_does_not_fit_is_cropped():
    X = np.zeros((40, 10, 1), np.uint8)
    X[0], X[39] = 1, 255
    assert CenterByMass(28)(X).shape == (28, 28, 1)
    assert CenterByMass(28)(np.zeros((1, 1, 1), np.uint8)).max() == 0


def test_variants_of_a_drawing_give_nearly_the_same_image():
    prepare = mnist_preprocessing(28)
    wanted = prepare.apply(255 - seven(width=11)).astype(int)
    photograph = Image.fromarray(seven(ink=70, paper=200, width=11)[:, :, 0]).filter(
        ImageFilter.GaussianBlur(1)
    )
    for other in (
        seven(width=11),
        seven(at=(100, 20), width=11),
        seven(size=(500, 300), at=(300, 150), width=11),
        np.asarray(photograph),
    ):
        assert abs(prepare.apply(other).astype(int) - wanted).mean() < 3


def test_an_enlarged_image_gives_the_same_result_as_the_small_one():
    rng = np.random.default_rng(0)
    small = np.zeros((28, 28), np.uint8)
    small[6:22, 9:19] = rng.integers(0, 256, (16, 10))
    large = np.full((330, 420), 255, np.uint8)
    large[40:320, 100:380] = np.kron(255 - small, np.ones((10, 10), np.uint8))
    assert np.array_equal(mnist_preprocessing().apply(large), mnist_preprocessing().apply(small))


@pytest.mark.parametrize("noise", [3, 8, 14])
def test_a_noisy_photograph_matches_the_drawing(noise):
    rng = np.random.default_rng(0)
    sheet = seven(size=(640, 480), at=(200, 150), width=14)
    light = np.linspace(120, 220, 640)[None, :, None] * (0.6 + sheet / 255 * 0.4)
    photograph = np.clip(light + rng.normal(0, noise, sheet.shape), 0, 255).astype(np.uint8)
    seen = mnist_preprocessing().apply(photograph)[0].astype(int)
    wanted = mnist_preprocessing().apply(sheet)[0].astype(int)
    moved = [np.roll(seen, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    assert max(np.corrcoef(other.ravel(), wanted.ravel())[0, 1] for other in moved) > 0.8
    rows = np.flatnonzero((seen > 128).any(axis=1))
    assert 18 <= rows[-1] - rows[0] + 1 <= 20


def test_ink_fits_the_bounding_box_of_mnist():
    X = mnist_preprocessing(28).apply(seven())[0]
    rows = np.flatnonzero(X.any(axis=1))
    assert rows[-1] - rows[0] + 1 == 20
    assert X.max() == 255
    y = X.sum(axis=1) @ (np.arange(28) + 0.5) / X.sum()
    assert 14 <= y < 15  # the pixel below the middle


@pytest.mark.mnist
def test_mnist_images_are_nearly_unchanged(located):
    images = read_images(find(located("mnist"), SOURCES["mnist"].files[2]))[:2000]
    seen = np.stack([mnist_preprocessing(28).apply(image)[0] for image in images])
    assert (seen == images).all(axis=(1, 2)).mean() > 0.7
    assert abs(seen.astype(int) - images).mean() < 0.3
