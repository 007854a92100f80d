"""MATLAB files: the same arrays as SciPy reads, and one sentence for every other content."""

import struct
import tracemalloc
import zlib
from io import BytesIO

import numpy as np
import pytest
import scipy.io

from handgrad.data.formats.mat import read
from handgrad.data.formats.mat_variables import MatError, variables_in
from handgrad.errors import DataError

RNG = np.random.default_rng(0)
NUMERIC = [np.dtype(code) for code in "bBhHiIqQfd"]
X = RNG.integers(0, 256, (6, 4, 4), np.uint8)
Y = np.arange(6, dtype=np.uint8) % 3
U4, I4, I1 = 6, 5, 1  # types of elements


def saved(arrays, packed=False):
    file = BytesIO()
    scipy.io.savemat(file, arrays, do_compression=packed)
    return file.getvalue()


def element(kind, data, order="<"):
    return struct.pack(order + "II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def small(kind, data, order="<"):
    return struct.pack(order + "I", len(data) << 16 | kind) + data.ljust(4, b"\0")


def variable(class_, shape, kind, values, order="<", name=b"x", flags=0):
    """Return a variable whose parts do not have to match."""
    content = (
        element(U4, struct.pack(order + "II", flags << 8 | class_, 0), order)
        + element(I4, struct.pack(f"{order}{len(shape)}i", *shape), order)
        + (small if len(name) <= 4 else element)(I1, name, order)
        + (small if len(values) <= 4 else element)(kind, values, order)
    )
    return element(14, content, order)


def packed(content):
    data = zlib.compress(content)
    return struct.pack("<II", 15, len(data)) + data


def mat_file(*variables, order="<"):
    end = b"\x00\x01IM" if order == "<" else b"\x01\x00MI"
    return b"MATLAB 5.0 MAT-file".ljust(124) + end + b"".join(variables)


def arrays_in(content):
    return {found.name: found.load() for found in variables_in(content) if not found.other}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 5), (2, 3, 4, 5), (1, 1)])
def test_arrays_are_those_that_scipy_reads(shape, packed):
    arrays = {f"a{dtype.char}": RNG.integers(0, 99, shape).astype(dtype) for dtype in NUMERIC}
    arrays["extremes"] = np.array([[-(2**63), 2**63 - 1]])
    arrays["nan"] = np.array([[np.nan, np.inf, -0.0]])
    arrays["flags"] = RNG.random(shape) < 0.5
    arrays["words"] = np.array(["cat", "dög ", "€"])
    content = saved(arrays, packed)
    wanted = scipy.io.loadmat(BytesIO(content), mat_dtype=True)
    found = arrays_in(content)
    assert found.keys() == arrays.keys()
    for name, array in found.items():
        expected = np.char.rstrip(wanted[name]) if name == "words" else wanted[name]
        assert array.dtype == (expected.dtype if name == "words" else arrays[name].dtype)
        np.testing.assert_array_equal(array, expected, strict=True)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("class_", "dtype", "kind"),
    [(6, "f8", 9), (7, "f4", 7), (10, "i2", 3), (13, "u4", 6), (15, "u8", 13)],
)
def test_both_byte_orders_are_read(order, class_, dtype, kind):
    values = np.arange(24).reshape(2, 3, 4).astype(order + dtype)
    content = variable(class_, (2, 3, 4), kind, values.tobytes(order="F"), order)
    found = arrays_in(mat_file(content, order=order))["x"]
    np.testing.assert_array_equal(found, values.astype(dtype), strict=True)


def test_doubles_that_matlab_stores_as_small_integers_stay_doubles():
    """Otherwise int8 values would be taken for wrapped pixels."""
    values = np.array([[-1, 0, 1, 127]], np.int8)
    found = arrays_in(mat_file(variable(6, (1, 4), 1, values.tobytes())))["x"]
    np.testing.assert_array_equal(found, values.astype(np.float64), strict=True)


def test_logical_arrays_are_bool():
    content = variable(9, (1, 4), 2, b"\0\1\1\0", flags=2)
    np.testing.assert_array_equal(
        arrays_in(mat_file(content))["x"], [[False, True, True, False]], strict=True
    )


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("axis", [0, -1])
def test_images_and_labels_are_found(tmp_path, packed, axis):
    path = tmp_path / "a.mat"
    labels = np.array(["a", "bb", "c"])[Y]
    others = {"info": {"author": "me"}, "notes": np.array([1, "b"], object)}
    path.write_bytes(saved({"X": np.moveaxis(X, 0, axis), "y": labels, **others}, packed))
    found = read(path).splits["train"]
    assert np.array_equal(found.images, X)
    assert found.labels.tolist() == labels.tolist()


@pytest.mark.parametrize("value", [{"a": X}, np.array([X, "b"], object), X * 1j])
def test_other_classes_are_named(tmp_path, value):
    (tmp_path / "a.mat").write_bytes(saved({"X": value}))
    with pytest.raises(
        DataError, match=r"contains `X` \((struct|cell|complex)\), but no plain array; save the"
    ):
        read(tmp_path / "a.mat")


def test_labels_of_another_class_are_named(tmp_path):
    labels = np.array([[name] for name in "abcabc"], object)
    (tmp_path / "a.mat").write_bytes(saved({"X": X, "y": labels}))
    contents = read(tmp_path / "a.mat")
    assert not contents.splits
    assert contents.summary == "no labels: images `X`; no plain arrays: `y` (cell)"


ONE = variable(9, (2, 2), 2, b"abcd")
HUGE = 2**31 - 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the header is not that of version 5 to 7"),
        (b"\0" * 200, "the header is not that of version 5 to 7"),
        (mat_file(ONE)[:-1], "it ends early"),
        (mat_file(ONE, b"\0\0\0"), "it ends early"),
        (mat_file(element(9, b"12345678")), "an element of type 9 is no variable"),
        (mat_file(ONE, ONE), "`x` occurs twice"),
        (mat_file(element(14, ONE[8:24])), "a variable ends early"),
        (mat_file(packed(ONE)[:-1]), "it ends early"),
        (mat_file(packed(element(1, ONE))), "a compressed element has the type 1 instead of 14"),
        (mat_file(element(15, b"no zlib")), "Error -3 while decompressing data: incorrect header"),
        (mat_file(variable(99, (2, 2), 2, b"abcd")), "`x` has the unknown class 99"),
        (mat_file(variable(9, (-2, -2), 2, b"abcd")), r"a variable has the shape \(-2, -2\)"),
        (mat_file(variable(9, (1,) * 40, 2, b"a")), "a shape has 160 bytes"),
        (mat_file(variable(9, (4,), 2, b"abcd")), "a shape has 4 bytes"),
    ],
)
def test_a_corrupted_file_gives_one_sentence(tmp_path, content, reason):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(
        DataError, match=rf"a\.mat: is not a complete MATLAB file of version 5 to 7 \({reason}"
    ):
        read(tmp_path / "a.mat")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (variable(9, (2, 3), 2, b"abcd"), r"4 bytes of values do not match \(2, 3\)"),
        (variable(9, (HUGE,) * 9, 2, b"abcd"), r"4 bytes of values do not match \(2147483647,"),
        (variable(9, (0, HUGE), 2, b""), r"it has the shape \(0, 2147483647\)"),
        (variable(9, (2, 2), 16, b"abcd"), "numbers have the unknown type 16"),
        (variable(9, (2, 2), 1, b"\1\2\3\xff"), "values of type int8 do not fit uint8"),
        (variable(9, (1, 1), 9, b"\xff" * 8), "values of type float64 do not fit uint8"),
        (variable(9, (1, 1), 2, b"\2", flags=2), "values of type uint8 do not fit bool"),
        (variable(4, (2, 3), 2, b"abcd"), r"4 characters do not match \(2, 3\)"),
        (variable(4, (HUGE, HUGE), 16, b"abcd"), r"4 characters do not match \(2147483647,"),
        (variable(4, (2, 2), 16, b"\xff\xff\xff\xff"), "characters are not utf-8"),
        (variable(4, (2, 2), 7, b"abcd"), "characters have the unknown type 7"),
        (element(14, ONE[8:] + b"\0" * 8), "more data follows the values"),
        (packed(ONE + b"\0" * 8), "a compressed variable does not have the length that it states"),
        (packed(ONE[:4] + b"\xff\xff\xff\x7f" + ONE[8:]), "a variable claims to have 2,147,483,64"),
    ],
)
def test_values_that_do_not_match_are_refused_without_large_memory(tmp_path, content, reason):
    (tmp_path / "a.mat").write_bytes(mat_file(content))
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"`x` cannot be read \({reason}"):
        read(tmp_path / "a.mat")
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_variables_without_a_name_are_ignored():
    """MATLAB stores the data of function handles in such a variable."""
    assert list(arrays_in(mat_file(ONE, variable(9, (2, 2), 2, b"abcd", name=b"")))) == ["x"]


def test_a_changed_byte_in_compressed_values_is_noticed():
    content = bytearray(saved({"x": X}, packed=True))
    content[-20] ^= 1
    with pytest.raises(MatError):
        arrays_in(bytes(content))
