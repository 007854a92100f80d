import numpy as np
import pytest
from PIL import Image

from handgrad.data.picture_file import read_picture
from handgrad.errors import DataError

GREY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4


def saved(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def test_a_grey_picture_of_the_right_size_is_taken_as_it_is(tmp_path):
    X = read_picture(saved(tmp_path / "a.png", GREY), (1, 8, 8))
    assert X.dtype == np.uint8
    assert np.array_equal(X, GREY[None])


def test_invert_swaps_light_and_dark(tmp_path):
    X = read_picture(saved(tmp_path / "a.png", GREY), (1, 8, 8), invert=True)
    assert np.array_equal(X, 255 - GREY[None])


def test_a_larger_picture_shrinks_to_the_mean_of_its_pixels(tmp_path):
    large = GREY.repeat(3, axis=0).repeat(3, axis=1)
    assert np.array_equal(read_picture(saved(tmp_path / "a.png", large), (1, 8, 8)), GREY[None])


def test_a_small_or_oblong_picture_is_stretched(tmp_path):
    oblong = np.array([[0, 255]], np.uint8)
    X = read_picture(saved(tmp_path / "a.png", oblong), (1, 4, 4))
    assert np.array_equal(X[0], np.tile(np.uint8([0, 0, 255, 255]), (4, 1)))


def test_colours_stay_or_become_grey_as_the_network_has_it(tmp_path):
    colours = np.zeros((2, 2, 3), np.uint8)
    colours[0, 0] = 255, 0, 0
    colours[0, 1] = 0, 255, 0
    path = saved(tmp_path / "a.png", colours)
    assert np.array_equal(read_picture(path, (3, 2, 2)), colours.transpose(2, 0, 1))
    assert read_picture(path, (1, 2, 2)).tolist() == [[[76, 150], [0, 0]]]  # ITU-R 601-2
    grey = read_picture(saved(tmp_path / "b.png", GREY), (3, 8, 8))
    assert np.array_equal(grey, np.stack([GREY] * 3))


def test_what_is_transparent_is_white(tmp_path):
    ink = np.zeros((2, 2, 4), np.uint8)
    ink[0, 0, 3] = 255  # black ink on nothing
    ink[1, 1, 3] = 128
    assert read_picture(saved(tmp_path / "a.png", ink), (1, 2, 2)).tolist() == [
        [[0, 255], [255, 127]]
    ]


def test_a_palette_is_looked_up_with_its_transparent_colour(tmp_path):
    image = Image.fromarray(np.uint8([[0, 1], [2, 0]]), mode=None).convert("P")
    image.putdata([0, 1, 2, 0])
    image.putpalette([10, 10, 10, 200, 200, 200, 0, 0, 0])
    image.save(tmp_path / "a.png", transparency=2)
    X = read_picture(tmp_path / "a.png", (1, 2, 2))
    assert X.tolist() == [[[10, 200], [255, 10]]]


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path):
    deep = GREY.astype(np.uint16) * 257
    assert np.array_equal(read_picture(saved(tmp_path / "a.png", deep), (1, 8, 8)), GREY[None])


def test_a_photograph_is_turned_as_its_exif_entry_says(tmp_path):
    half = np.zeros((16, 16), np.uint8)
    half[:8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise: the upper half comes to the right
    X = read_picture(saved(tmp_path / "a.jpg", half, exif=exif, quality=100), (1, 2, 2))
    assert X[0, :, 0].max() < 10
    assert X[0, :, 1].min() > 245


def test_what_is_no_picture_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(DataError, match=r"none.png: there is no such file; give a picture, or the"):
        read_picture(tmp_path / "none.png", (1, 8, 8))
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\); give a PNG or JPEG"):
        read_picture(tmp_path, (1, 8, 8))
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(DataError, match=r"text.png: cannot be read \(not a whole PNG or JPEG"):
        read_picture(tmp_path / "text.png", (1, 8, 8))
    whole = saved(tmp_path / "a.png", GREY).read_bytes()
    for length in range(0, len(whole) - 20, 3):  # the last bytes only say that all is right
        (tmp_path / "part.png").write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"part.png: cannot be read"):
            read_picture(tmp_path / "part.png", (1, 8, 8))
    saved(tmp_path / "a.gif", GREY)
    with pytest.raises(DataError, match="give a PNG or JPEG file"):
        read_picture(tmp_path / "a.gif", (1, 8, 8))


@pytest.mark.filterwarnings("default::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("safe", [63, 31])  # Pillow warns above this, and refuses above the double
def test_a_picture_of_too_many_pixels_is_refused(tmp_path, monkeypatch, safe):
    path = saved(tmp_path / "a.png", GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64)
    read_picture(path, (1, 8, 8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", safe)
    with pytest.raises(DataError, match=r"a.png: is too large to be read safely; make it smaller"):
        read_picture(path, (1, 8, 8))


@pytest.mark.parametrize("shape", [(2, 8, 8), (64,)])
def test_a_network_that_takes_no_pictures(tmp_path, shape):
    with pytest.raises(DataError, match="a picture has 1 or 3 channels, but the network takes"):
        read_picture(saved(tmp_path / "a.png", GREY), shape)
