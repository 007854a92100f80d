import re

import numpy as np
import pytest
from PIL import Image

from handgrad.data.formats.decode import looks_like_image, read_pixels
from handgrad.errors import DataError
from handgrad.preprocess import light, plain
from tests.data.fixtures import COLOURS, SMALL, write
from tests.data.mutations import measure_reads
from tests.extras import needs


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
    prepare = light((1, 6, 6))
    margin = ((2, 2), (2, 2), (0, 0))  # transparent
    dark, pale = (read_pixels(files[f"rgba-{kind}.png"][0]) for kind in ("dark", "light"))
    assert plain((1, 2, 2)).apply(dark).tolist() == [[[0, 255], [255, 127]]]
    assert plain((1, 2, 2)).apply(pale).tolist() == [[[255, 0], [0, 128]]]
    found = prepare.apply(np.pad(dark, margin))
    assert np.array_equal(found, prepare.apply(np.pad(pale, margin)))
    assert found.max() == 255


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
    Image.fromarray(SMALL).save(tmp_path / "a.pcx")
    with pytest.raises(DataError, match=r"a.pcx: cannot be read \(not a complete PNG, JPEG, GIF"):
        read_pixels(tmp_path / "a.pcx")


GREY = np.random.default_rng(0).integers(0, 256, (7, 5), np.uint8)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("webp", {"lossless": True}),
        ("avif", {"quality": 100}),
        ("tif", {}),
        *(
            ("tiff", {"compression": f"tiff_{name}"})
            for name in ("lzw", "deflate", "adobe_deflate")
        ),
        ("tif", {"compression": "packbits"}),
        ("pgm", {}),
        ("pnm", {}),
    ],
)
def test_lossless_files_are_decoded_exactly_whatever_their_name_is(tmp_path, suffix, options):
    Image.fromarray(GREY).save(tmp_path / f"a.{suffix}", **options)
    for name in (f"a.{suffix}", "called.jpg", "without"):
        path = (tmp_path / f"a.{suffix}").rename(tmp_path / name)
        found = read_pixels(path)
        assert looks_like_image(path)
        assert np.array_equal(found if found.ndim == 2 else found[:, :, 0], GREY)
        path.rename(tmp_path / f"a.{suffix}")


def test_heic_files_are_read_with_the_extra(tmp_path):
    needs("pillow_heif").register_heif_opener()
    large = np.kron(np.dstack([GREY] * 3), np.ones((16, 16, 1), np.uint8))
    Image.fromarray(large).save(tmp_path / "a.heic", quality=100)
    found = read_pixels(tmp_path / "a.heic")
    assert found.shape == large.shape
    assert np.abs(found.astype(int) - large).mean() < 5


def test_the_values_of_deep_tiff_and_pgm_files_are_scaled_by_their_range(tmp_path):
    deep, path = GREY.astype(np.uint16) * 257, tmp_path / "a.tif"
    Image.fromarray(deep).save(path)
    assert np.array_equal(read_pixels(path), GREY)
    Image.fromarray(deep).save(path, tiffinfo={262: 0})  # the value 0 is white
    assert np.array_equal(read_pixels(path), 255 - GREY)
    Image.fromarray(GREY).save(path, tiffinfo={274: 6})  # a quarter turn clockwise
    assert np.array_equal(read_pixels(path), np.rot90(GREY, -1))
    path.write_bytes(b"P2\n3 1\n15\n0 7 15\n")
    assert read_pixels(path).tolist() == [[0, 119, 255]]
    path.write_bytes(b"P5\n3 1\n1000\n" + np.array([0, 500, 1000], ">u2").tobytes())
    assert read_pixels(path).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_of_an_unknown_range_are_rejected(tmp_path, dtype):
    Image.fromarray(GREY.astype(dtype)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a.tif: cannot be read \(32 bits per value: save it with"):
        read_pixels(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"\0\0\0 ftypheic\0\0\0\0", "a HEIC image: install handgrad[heic] to read it, or save"),
        (b"\0\0\0 ftypisom\0\0\0\0", "a video"),
        (b"\n<!DOCTYPE html><html>404", "a web page, not an image"),
        (b"<?xml version='1.0'?>\n<svg>", "an SVG drawing: save it as PNG"),
        (b"PK\3\4...", "an archive: unpack it"),
        (b"%PDF-1.7", "a PDF document: save its pages as PNG"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "a Git LFS placeholder: run `git lfs pull`",
        ),
        (b"hello", "not a complete PNG, JPEG, GIF, BMP, WebP, TIFF, PGM, PPM or AVIF image"),
        (b"Pf\n1 1\n-1.0\n....", "floating point pixels: save it with 8 or 16 bits"),
    ],
)
def test_content_that_is_often_taken_for_an_image_is_named(tmp_path, content, sentence):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"a.jpg: cannot be read ({sentence}")):
        read_pixels(tmp_path / "a.jpg")


def test_a_broken_tiff_file_prints_nothing(tmp_path, capfd):
    Image.fromarray(np.tile(GREY, (9, 9))).save(tmp_path / "a.tif", compression="tiff_deflate")
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[40:80] = bytes(40)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(DataError, match=r"a.tif: cannot be read \(not a complete"):
        read_pixels(tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")


def sources(folder):
    """Return files to mutate, in each file format with each pixel format."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (28, 28, 3), np.uint8)
    modes = {"png": "1 L LA P RGB RGBA I;16", "jpg": "L RGB CMYK", "gif": "L P", "bmp": "1 L P RGB"}
    modes |= {
        "tif": "1 L RGB RGBA I;16 P CMYK",
        "webp": "RGB RGBA",
        "avif": "RGB",
        "ppm": "1 L RGB",
    }
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
