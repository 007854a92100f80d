"""Parse the variables in a MATLAB file of version 5 to 7, and check all sizes before they are used.

A file contains a header of 128 bytes and one element per variable, which may be compressed. An
element consists of its type and its length in bytes, four bytes each, and the data. The data of a
variable are again elements: its flags, its shape, its name and its values.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 1 << 31  # of one array

_HEADER = 128  # bytes
_ORDERS = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}  # the version and the byte order
_START = 1024  # bytes that contain the flags, the shape and the name of a variable
_MAX_RATIO = 1100  # bytes that one compressed byte can expand to; DEFLATE reaches 1032
_MAX_AXES = 32

# The types of elements.
_STORED = {
    **dict(enumerate(("i1", "u1", "i2", "u2", "i4", "u4", "f4"), start=1)),
    **{9: "f8", 12: "i8", 13: "u8"},
}
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED, _UTF8 = 1, 5, 6, 14, 15, 16
_ENCODINGS = {
    **{1: "ascii", 2: "latin-1", 16: "utf-8"},
    **{4: "utf-16", 17: "utf-16", 18: "utf-32"},  # without the byte order
}

# The classes of variables.
_DTYPES = {
    **{6: np.float64, 7: np.float32, 8: np.int8, 9: np.uint8, 10: np.int16, 11: np.uint16},
    **{12: np.int32, 13: np.uint32, 14: np.int64, 15: np.uint64},
}
_CHARACTERS, _OPAQUE = 4, 17
_OTHERS = {1: "cell", 2: "struct", 3: "object", 5: "sparse", 16: "function", _OPAQUE: "object"}
_LOGICAL, _COMPLEX = 2, 8  # flags


class MatError(Exception):
    """Raised if a MATLAB file is corrupted; the message says why."""


@dataclass(frozen=True)
class Variable:
    """A variable in a MATLAB file.

    Attributes:
        name: the name of the variable.
        other: the class of a variable that is no plain array, such as "struct"; otherwise empty.
        dtype: the dtype of the values, or None if they are characters.
        shape: the shape of the array.
    """

    name: str
    other: str
    dtype: np.dtype[Any] | None
    shape: tuple[int, ...]
    _element: memoryview
    _order: str
    _is_compressed: bool

    def load(self) -> NDArray[Any]:
        """Return the array. Strings are one axis shorter, and without spaces at their ends.

        Raises:
            MatError: if the array is empty, or the values do not match its shape or class.
        """
        if 0 in self.shape:
            raise MatError(f"it has the shape {self.shape}")
        content = self._element
        if self._is_compressed:
            content = _decompressed(content, self._order)
        elements = _Elements(content, self._order)
        for _ in range(3):  # the flags, the shape and the name
            elements.next()
        kind, values = elements.next()
        if len(elements.content):
            raise MatError("more data follows the values")
        if self.dtype is None:
            return self._strings(kind, values)
        return self._numbers(kind, values, self.dtype)

    def _numbers(self, kind: int, values: memoryview, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the numbers of an array, which may be stored in a smaller dtype."""
        if kind not in _STORED:
            raise MatError(f"numbers have the unknown type {kind}")
        stored = np.dtype(self._order + _STORED[kind])
        count = math.prod(self.shape)
        if len(values) != count * stored.itemsize:
            raise MatError(f"{len(values):,} bytes of values do not match {self.shape}")
        if count * dtype.itemsize > MAX_BYTES:
            raise MatError(f"{self.shape} is too large; save it in a smaller class")
        array = np.frombuffer(values, stored)
        with np.errstate(invalid="ignore", over="ignore"):
            found = array.astype(dtype, copy=False)
        if stored.newbyteorder("=") != dtype and not np.array_equal(found, array, equal_nan=True):
            raise MatError(f"values of type {stored.name} do not fit {dtype.name}")
        return found.reshape(self.shape, order="F")

    def _strings(self, kind: int, values: memoryview) -> NDArray[np.str_]:
        """Return the strings of an array of characters, whose last axis is the position."""
        if kind not in _ENCODINGS:
            raise MatError(f"characters have the unknown type {kind}")
        encoding = _ENCODINGS[kind]
        if encoding in ("utf-16", "utf-32"):
            encoding += "-le" if self._order == "<" else "-be"
        try:
            text = str(values, encoding)
        except UnicodeDecodeError:
            raise MatError(f"characters are not {encoding}") from None
        if len(text) != math.prod(self.shape):
            raise MatError(f"{len(text):,} characters do not match {self.shape}")
        codes = np.frombuffer(text.encode("utf-32-le"), "<u4").reshape(self.shape, order="F")
        strings = np.ascontiguousarray(codes).view(f"<U{self.shape[-1]}")[..., 0]
        return np.char.rstrip(strings)


def variables_in(content: bytes) -> Iterator[Variable]:
    """Yield the variables in a MATLAB file. Only the values are not checked yet.

    Args:
        content: the whole file.

    Raises:
        MatError: if the file is corrupted.
    """
    order = _ORDERS.get(content[_HEADER - 4 : _HEADER])
    if order is None:
        raise MatError("the header is not that of version 5 to 7")
    rest = memoryview(content)[_HEADER:]
    while len(rest):
        if len(rest) < 8:
            raise MatError("it ends early")
        kind, size = struct.unpack(order + "II", rest[:8])
        element, rest = rest[8 : 8 + size], rest[8 + size :]
        if kind not in (_MATRIX, _COMPRESSED):
            raise MatError(f"an element of type {kind} is no variable")
        if len(element) < size:
            raise MatError("it ends early")
        found = _variable(element, order, kind == _COMPRESSED)
        if found.name:  # MATLAB stores its own data without a name
            yield found


class _Elements:
    """The elements of a variable.

    Attributes:
        content: the elements that have not been returned yet.
    """

    def __init__(self, content: memoryview, order: str) -> None:
        self.content, self.order = content, order

    def next(self, *kinds: int) -> tuple[int, memoryview]:
        """Return the type and the data of the next element, whose type is one of `kinds` if given.

        The type and the length of up to four bytes of data may be stored in two bytes each. Then
        the data follow in the same eight bytes.

        Raises:
            MatError: if the element has another type, or is longer than the rest of the content.
        """
        if len(self.content) < 8:
            raise MatError("a variable ends early")
        kind, size = struct.unpack(self.order + "II", self.content[:8])
        start, end = 8, 8 + size + -size % 8
        is_small = kind >> 16 != 0
        if is_small:
            kind, size, start, end = kind & 0xFFFF, kind >> 16, 4, 8
        if start + size > (8 if is_small else len(self.content)):
            raise MatError("a variable ends early")
        if kinds and kind not in kinds:
            raise MatError(f"an element has the type {kind} instead of {kinds[0]}")
        found, self.content = self.content[start : start + size], self.content[end:]
        return kind, found


def _variable(element: memoryview, order: str, is_compressed: bool) -> Variable:
    """Parse the flags, the shape and the name of a variable."""
    start = _start_of_compressed(element, order) if is_compressed else element[:_START]
    elements = _Elements(start, order)
    flags = elements.next(_UINT32)[1]
    if len(flags) != 8:
        raise MatError("the flags of a variable do not have 8 bytes")
    (bits,) = struct.unpack(order + "I", flags[:4])
    class_, bits = bits & 0xFF, bits >> 8
    shape: tuple[int, ...] = ()
    if class_ != _OPAQUE:
        sizes = elements.next(_INT32, _UINT32)[1]
        if len(sizes) % 4 or not 2 <= len(sizes) // 4 <= _MAX_AXES:
            raise MatError(f"a shape has {len(sizes)} bytes")
        shape = struct.unpack(f"{order}{len(sizes) // 4}i", sizes)
        if min(shape) < 0:
            raise MatError(f"a variable has the shape {shape}")
    name = str(elements.next(_INT8, _UTF8)[1], "latin-1")
    other, dtype = _OTHERS.get(class_, ""), _DTYPES.get(class_)
    if not other and not dtype and class_ != _CHARACTERS:
        raise MatError(f"`{name[:40]}` has the unknown class {class_}")
    if not other and bits & _COMPLEX:
        other = "complex"
    kind = np.dtype(np.bool_ if bits & _LOGICAL else dtype) if dtype else None
    return Variable(name, other, kind, shape, element, order, is_compressed)


def _start_of_compressed(element: memoryview, order: str) -> memoryview:
    """Return the start of the elements of a compressed variable."""
    try:
        start = zlib.decompressobj().decompress(element[: 2 * _START], 8 + _START)
    except zlib.error as error:
        raise MatError(str(error)) from None
    _check_matrix(start, order)
    return memoryview(start)[8:]


def _decompressed(element: memoryview, order: str) -> memoryview:
    """Decompress the elements of a variable, after checking their stated length."""
    try:
        size = _check_matrix(zlib.decompressobj().decompress(element[:_START], 8), order)
        if size > min(MAX_BYTES, _MAX_RATIO * len(element)):
            raise MatError(f"a variable claims to have {size:,} bytes, which is too many")
        stream = zlib.decompressobj()
        content = stream.decompress(element, 8 + size + 1)
    except zlib.error as error:
        raise MatError(str(error)) from None
    if len(content) != 8 + size or not stream.eof:
        raise MatError("a compressed variable does not have the length that it states")
    return memoryview(content)[8:]


def _check_matrix(start: bytes, order: str) -> int:
    """Return the stated length of a variable whose first bytes are `start`."""
    if len(start) < 8:
        raise MatError("a compressed variable ends early")
    kind, size = struct.unpack(order + "II", start[:8])
    if kind != _MATRIX:
        raise MatError(f"a compressed element has the type {kind} instead of {_MATRIX}")
    return int(size)
