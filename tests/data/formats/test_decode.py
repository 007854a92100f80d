import numpy as np
import pytest
from PIL import Image

from handgrad.data.formats.decode import read_pixels
from handgrad.errors import DataError
from handgrad.preprocess import light, plain
from tests.data.fixtures import COLOURS, SMALL, write
from tests.data.mutations import measure_reads


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write(tmp_path_factory.mktemp("fixtures"))


def test_the_fixtures_cover_all_kinds(files):
    kinds = {name.rpartition("-")[0] if name.startswith("exif") else name for name in files}
    assert len(kinds) == 16
    assert sum(name.startswith("exif") for name in files) == 8


def test_each_fixture_is_decoded_exactly_or_rejected(files):
    for name, (path, shows) in files.items():
        if isinstance(shows, str):
            with pytest.raises(DataError) as raised:
                read_pixels(path)
            assert f"{path}: {shows}" in str(raised.value), name
        else:
            found = read_pixels(path)
            assert (found.dtype, found.shape) == (np.uint8, shows.shape), name
            assert np.array_equal(found, shows), name


def test_sixteen_bit_images_keep_transparency(tmp_path):
    deep = np.uint16([[0, 300], [301, 65535]])  # of which the two in the middle are alike in 8 bits
    Image.fromarray(deep).save(tmp_path / "a.png", transparency=300)
    assert read_pixels(tmp_path / "a.png").tolist() == [[[0, 255], [1, 0]], [[1, 255], [255, 255]]]


def test_dark_and_light_transparent_ink_give_the_same_image(files):
    prepare = light((1, 2, 2))
    dark, pale = (read_pixels(files[f"rgba-{kind}.png"][0]) for kind in ("dark", "light"))
    assert plain((1, 2, 2)).apply(dark).tolist() == [[[0, 255], [255, 127]]]
    assert plain((1, 2, 2)).apply(pale).tolist() == [[[255, 0], [0, 128]]]
    assert np.array_equal(prepare.apply(dark), prepare.apply(pale))


def test_the_exif_orientation_is_applied(tmp_path):
    half = np.zeros((16, 16), np.uint8)
    half[:8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter clockwise: the upper half comes to the right
    Image.fromarray(half).save(tmp_path / "a.jpg", exif=exif, quality=100)
    found = read_pixels(tmp_path / "a.jpg")
    assert found[:, :7].max() < 10
    assert found[:, 9:].min() > 245


def test_an_invalid_exif_entry_is_ignored(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert np.array_equal(read_pixels(tmp_path / "a.png"), COLOURS)


def test_unreadable_files_are_rejected(tmp_path):
    with pytest.raises(DataError, match=r"none.png: there is no such file; give the path of an"):
        read_pixels(tmp_path / "none.png")
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\); give another file"):
        read_pixels(tmp_path)
    Image.fromarray(SMALL).save(tmp_path / "a.tiff")
    with pytest.raises(DataError, match=r"a.tiff: cannot be read \(not a complete PNG, JPEG, GIF"):
        read_pixels(tmp_path / "a.tiff")


def sources(folder):
    """Return files to mutate, in each file format with each pixel format."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (28, 28, 3), np.uint8)
    modes = {"png": "1 L LA P RGB RGBA I;16", "jpg": "L RGB CMYK", "gif": "L P", "bmp": "1 L P RGB"}
    files = []
    for suffix, names in modes.items():
        path = folder / f"mutated.{suffix}"
        for mode in names.split():
            image = Image.fromarray(noise[:, :, 0].astype(np.uint16) * 200)
            image = image if mode == "I;16" else Image.fromarray(noise).convert(mode)
            image.save(path)
            files.append((path, path.read_bytes()))
    return files


def read_and_check(path):
    """Read a file, and check that an error names it."""
    try:
        found = read_pixels(path)
    except DataError as error:
        assert str(path) in str(error)  # noqa: PT017
        raise
    assert found.dtype == np.uint8
    assert found.ndim in (2, 3)


def test_mutated_files_are_decoded_or_rejected(tmp_path):
    found = measure_reads(read_and_check, sources(tmp_path), 400, seed=0)
    assert 40 < found.read < 360
    assert found.traced < 100e6


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_twenty_thousand_mutated_files(tmp_path, part):
    found = measure_reads(read_and_check, sources(tmp_path), 2500, seed=1 + part)
    print(f"images, part {part}: {found}")
    assert found.seconds < 0.2
    assert max(found.traced, found.grown) < 100e6
