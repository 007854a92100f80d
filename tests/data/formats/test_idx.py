import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handgrad.data.formats.idx import MAX_BYTES, read_idx, read_images, read_labels
from handgrad.errors import DataError
from tests.data.idxfiles import encode

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([3, 1, 4], np.uint8)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("shape", [(24,), (6, 4), (2, 3, 4), (1, 2, 3, 4)])
def test_round_trip(tmp_path, dtype, shape, zipped):
    array = (np.arange(24) - 5).reshape(shape).astype(dtype)
    content = encode(array)
    path = written(tmp_path / "x", gzip.compress(content, mtime=0) if zipped else content)
    found = read_idx(path)
    assert found.dtype == array.dtype
    assert found.dtype.isnative
    assert np.array_equal(found, array)


def test_images_and_labels(tmp_path):
    assert np.array_equal(read_images(written(tmp_path / "p", encode(IMAGES))), IMAGES)
    assert np.array_equal(read_labels(written(tmp_path / "l", encode(LABELS))), LABELS)


def header(*sizes, kind=8, dims=None):
    count = len(sizes) if dims is None else dims
    return bytes([0, 0, kind, count]) + struct.pack(f">{len(sizes)}I", *sizes)


WHOLE = encode(IMAGES)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is too short for an IDX file; get the file again"),
        (b"\0\0\x08", "it is too short for an IDX file"),
        (b"<!DOCTYPE html>", "it is not an IDX file: it starts with 3c 21 44 4f; get the file"),
        (header(24, kind=7) + bytes(24), "it is not an IDX file: it starts with 00 00 07 01"),
        (header(dims=0), "it is not an IDX file: it starts with 00 00 08 00"),
        (header(*[1] * 5) + b"\0", "it is not an IDX file: it starts with 00 00 08 05"),
        (WHOLE[:10], "it is too short for the header of an IDX file"),
        (header(0), r"its header states the empty shape \(0,\)"),
        (header(5, 0, 3), r"its header states the empty shape \(5, 0, 3\)"),
        (header(2**32 - 1, 2**32 - 1), "which exceeds 1,073,741,824 bytes"),
        (header(MAX_BYTES + 1) + bytes(9), "which exceeds 1,073,741,824 bytes"),
        (header(MAX_BYTES) + bytes(9), "states 1,073,741,824 bytes .* but the file ends early"),
        (WHOLE[:-1], r"states 24 bytes of values for \(2, 3, 4\), but the file ends early; get"),
        (WHOLE + b"\0", r"states 24 bytes of values for \(2, 3, 4\), but the file is longer; get"),
        (
            gzip.compress(WHOLE, mtime=0)[:-9],
            "corrupted gzip file .*end-of-stream.*; get the file again",
        ),
        (gzip.compress(WHOLE, mtime=0)[:5], "corrupted gzip file"),
        (gzip.compress(WHOLE, mtime=0) + b"more", "corrupted gzip file"),
        (gzip.compress(WHOLE, mtime=0)[:-8] + bytes(8), "corrupted gzip file .*CRC"),
        (gzip.compress(WHOLE, mtime=0)[:10] + b"\xff" * 30, "corrupted gzip file"),
        (gzip.compress(WHOLE[:-1], mtime=0), "but the file ends early"),
        (gzip.compress(WHOLE + b"\0", mtime=0), "but the file is longer"),
    ],
)
def test_invalid_headers_are_rejected(tmp_path, content, sentence):
    path = written(tmp_path / "train-images", content)
    with pytest.raises(DataError, match=f"^{path}: .*{sentence}"):
        read_idx(path)


def test_files_of_the_wrong_kind_are_rejected(tmp_path):
    labels, images = written(tmp_path / "l", encode(LABELS)), written(tmp_path / "p", WHOLE)
    with pytest.raises(
        DataError, match=r"l: expected uint8 images \(N, H, W\), found uint8 \(3,\)"
    ):
        read_images(labels)
    with pytest.raises(
        DataError, match=r"p: expected uint8 labels \(N,\), found uint8 \(2, 3, 4\)"
    ):
        read_labels(images)
    floats = written(tmp_path / "f", encode(IMAGES.astype("f4")))
    with pytest.raises(
        DataError,
        match=r"f: expected uint8 .* found float32 \(2, 3, 4\); does the file contain other",
    ):
        read_images(floats)


def test_paths_that_are_not_files_are_rejected(tmp_path):
    with pytest.raises(DataError, match=r"missing: cannot be read \(No such file or directory\)"):
        read_idx(tmp_path / "missing")
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\)"):
        read_idx(tmp_path)


@pytest.mark.parametrize("claimed", [1000, MAX_BYTES])
def test_memory_is_limited_by_the_file_size(tmp_path, claimed):
    bomb = gzip.compress(header(claimed) + bytes(1 << 24))  # 16 MiB in 16 KiB
    path = written(tmp_path / "bomb", bomb)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"the file (is longer|ends early)"):
        read_idx(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (1 << 20 if claimed == 1000 else 3 << 24)


@st.composite
def mutated(draw, content):
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["set", "cut", "insert", "drop"])):
            case "set":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[at:]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "drop":
                del data[at : at + draw(st.integers(1, 8))]
    return bytes(data)


def unzipped(content):
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


FUZZ = settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(
    content=st.one_of(
        mutated(WHOLE),
        mutated(encode(LABELS)),
        mutated(gzip.compress(WHOLE, mtime=0)),
        mutated(WHOLE).map(lambda content: gzip.compress(content, mtime=0)),
        st.binary(max_size=64),
    )
)
@example(content=WHOLE)
@example(content=gzip.compress(WHOLE, mtime=0))
def test_broken_files_raise_a_data_error_or_are_read_exactly(tmp_path, content):
    path = written(tmp_path / "fuzzed", content)
    found = read_or_sentence(path)
    if isinstance(found, str):
        assert found.startswith(f"{path}: ")
    else:
        assert encode(found) == unzipped(content)


def read_or_sentence(path):
    try:
        return read_idx(path)
    except DataError as error:
        return str(error)
