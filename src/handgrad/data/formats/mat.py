"""Read images and labels from a MATLAB file of version 5 to 7. Only plain arrays are read."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from handgrad.data.formats.array_pairs import contents_of
from handgrad.data.formats.mat_variables import MAX_BYTES, MatError, Variable, variables_in
from handgrad.data.formats.reader import Contents
from handgrad.errors import DataError
from handgrad.files import check_is_file

_HDF5 = b"MATLAB 7.3"


def accepts(path: Path) -> bool:
    """Return whether the path ends in .mat, and is not a file of MATLAB 7.3."""
    if path.suffix.lower() != ".mat" or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_HDF5)) != _HDF5


def read(path: Path) -> Contents:
    """Read the arrays of a MATLAB file.

    Args:
        path: a file with arrays such as X and y; `array_pairs.contents_of` lists the names.

    Raises:
        DataError: if the file is corrupted or does not contain images and labels in this form.
    """
    check_is_file(path)
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path}: is larger than {MAX_BYTES:,} bytes; save it as an NPZ file")
    plain: dict[str, Variable] = {}
    others: list[str] = []
    try:
        for variable in variables_in(path.read_bytes()):
            if variable.other:
                others.append(f"`{variable.name[:60]}` ({variable.other})")
            elif variable.name in plain:
                raise MatError(f"`{variable.name[:60]}` occurs twice")
            else:
                plain[variable.name] = variable
    except MatError as error:
        raise DataError(
            f"{path}: is not a complete MATLAB file of version 5 to 7 ({error}); get the file "
            "again, or in MATLAB, save it with save(FILE, '-v7')"
        ) from None
    if not plain:
        raise DataError(
            f"{path}: contains {', '.join(others[:5]) or 'nothing'}, but no plain array; save the "
            "images as x and the labels as y"
        )
    try:
        found = contents_of({name: partial(_load, plain[name]) for name in plain})
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    if found.splits or not others:
        return found
    return replace(found, summary=f"{found.summary}; no plain arrays: {', '.join(others[:5])}")


def _load(variable: Variable) -> NDArray[Any]:
    """Load one array."""
    try:
        return variable.load()
    except MatError as error:
        raise DataError(
            f"`{variable.name[:60]}` cannot be read ({error}); get the file again"
        ) from None
