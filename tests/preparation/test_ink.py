import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from handgrad.data import SOURCES
from handgrad.data.idx import read_pictures
from handgrad.data.locate import find
from handgrad.preparation import (
    CentreOfMass,
    CropToInk,
    EvenPaper,
    FitInk,
    FullInk,
    LightInk,
    TwoTones,
)
from handgrad.preparation import drawing as mnist_recipe


def seven(size=(200, 240), at=(30, 90), ink=0, paper=255, width=9):
    """A seven, drawn somewhere on a sheet."""
    image = Image.new("L", size, paper)
    x, y = at
    line = [(x, y), (x + 60, y), (x + 20, y + 100)]
    ImageDraw.Draw(image).line(line, fill=ink, width=width, joint="curve")
    return np.asarray(image)[:, :, None]


def test_light_ink_is_told_by_the_ground():
    dark, light = seven(), 255 - seven()
    assert np.array_equal(LightInk()(dark), light)
    assert np.array_equal(LightInk()(light), light)
    on_grey = seven(ink=0, paper=120)  # darker than its ground, on a ground that is dark
    assert np.array_equal(LightInk()(on_grey), 255 - on_grey)


def test_a_clean_ground_is_left_as_it_is():
    X = 255 - seven()
    assert np.array_equal(EvenPaper()(X), X)


def test_shadows_and_grain_are_taken_off():
    rng = np.random.default_rng(0)
    clean = 255 - seven()
    shadow = np.linspace(0, 90, clean.shape[1])[None, :, None]
    paper = 40 + shadow + rng.normal(0, 4, clean.shape)
    photograph = np.clip(paper + clean * 0.5, 0, 255).astype(np.uint8)
    even = EvenPaper()(photograph)
    assert even[clean == 0].max() + 80 < even[clean == 255].min()
    assert np.array_equal(TwoTones(40)(even), clean)


def test_cropping_goes_by_ink_and_not_by_blur():
    X = np.zeros((20, 30, 1), np.uint8)
    X[5:11, 8:20] = 255
    X[4, 8:20] = 31  # the edge of a blur
    assert CropToInk()(X).shape == (6, 12, 1)
    faint = np.zeros((9, 9, 1), np.uint8)
    faint[2, 3] = 20
    assert CropToInk()(faint).shape == (1, 1, 1)
    assert CropToInk()(faint * 0).shape == (9, 9, 1)


@pytest.mark.parametrize(("size", "fitted"), [((40, 10), (20, 5)), ((3, 6), (10, 20))])
def test_ink_is_fitted_in_its_proportions(size, fitted):
    assert FitInk(20)(np.zeros((*size, 1), np.uint8)).shape == (*fitted, 1)


def test_faint_ink_becomes_full():
    assert FullInk()(np.uint8([[[0], [20], [50], [50]]]))[0, :, 0].tolist() == [0, 102, 255, 255]
    strong = np.uint8([[[0], [100], [252], [252]]])
    assert FullInk()(strong) is strong
    assert FullInk()(np.zeros((2, 2, 1), np.uint8)).max() == 0


def test_two_tones_part_ink_from_what_is_around_it():
    X = np.zeros((40, 40, 1), np.uint8)
    X[10:20], X[9] = 200, 90
    parted = TwoTones(40)(X)
    assert np.array_equal(parted, np.where(X == 200, 255, 0))
    assert TwoTones(41)(X) is X
    assert TwoTones(40)(X * 0).max() == 0


def test_the_centre_of_mass_comes_to_the_middle():
    X = np.zeros((20, 12, 1), np.uint8)
    X[2, 3], X[4, 9] = 100, 100  # the mean lies at (3.5, 6.5)
    centred = CentreOfMass(28)(X)[:, :, 0]
    ys, xs = np.nonzero(centred)
    assert (ys + 0.5).mean() in (13.5, 14, 14.5)
    assert (xs + 0.5).mean() in (13.5, 14, 14.5)
    assert centred.sum() == 200


def test_what_finds_no_room_is_cut_off():
    X = np.zeros((40, 10, 1), np.uint8)
    X[0], X[39] = 1, 255
    assert CentreOfMass(28)(X).shape == (28, 28, 1)
    assert CentreOfMass(28)(np.zeros((1, 1, 1), np.uint8)).max() == 0


def test_the_same_drawing_is_the_same_however_it_was_made():
    prepare = mnist_recipe(28)
    wanted = prepare.apply(255 - seven()).astype(int)
    photograph = Image.fromarray(seven(ink=70, paper=200)[:, :, 0]).filter(
        ImageFilter.GaussianBlur(1)
    )
    for other in (
        seven(),
        seven(at=(100, 20)),
        seven(size=(500, 300), at=(300, 150)),
        np.asarray(photograph),
    ):
        assert abs(prepare.apply(other).astype(int) - wanted).mean() < 3


def test_ink_fits_the_box_of_mnist():
    X = mnist_recipe(28).apply(seven())[0]
    rows = np.flatnonzero(X.any(axis=1))
    assert rows[-1] - rows[0] + 1 == 20
    assert X.max() == 255
    y = X.sum(axis=1) @ (np.arange(28) + 0.5) / X.sum()
    assert abs(y - 14) <= 0.5


@pytest.mark.mnist
def test_what_mnist_prepared_stays_as_it_is(located):
    pictures = read_pictures(find(located("mnist"), SOURCES["mnist"].files[2]))[:2000]
    seen = np.stack([mnist_recipe(28).apply(picture)[0] for picture in pictures])
    assert (seen == pictures).all(axis=(1, 2)).mean() > 0.7
    assert abs(seen.astype(int) - pictures).mean() < 0.3
