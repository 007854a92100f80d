"""Recognizes formats that are not read, and says how to convert them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from handgrad.data.formats.folder_files import visible_files
from handgrad.data.formats.folder_tree import is_image
from handgrad.data.formats.reader import Contents
from handgrad.errors import DataError

_SAVE = "save the images and labels with numpy.savez(FILE, x=images, y=labels)"
_MAX_FILES = 1000  # in a folder
_START = 600  # bytes; the signature of HDF5 is at 0 or 512


class _Format(NamedTuple):
    """A format that is not read.

    Attributes:
        name: the name of the format.
        names: the start of file names, in lower case.
        suffixes: the suffixes of file names.
        starts: the first bytes of the content.
        remedy: how to convert a file.
    """

    name: str
    names: tuple[str, ...]
    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...]
    remedy: str


_PICKLE = (
    "it is a pickle, which can run code, so handgrad never opens it; if you trust it, use Python: "
)
_FORMATS = (
    _Format(
        "a MATLAB file of version 7.3",
        (),
        (),
        (b"MATLAB 7.3",),
        "in MATLAB, save it with save(FILE, '-v7'); or read it with h5py and " + _SAVE,
    ),
    _Format(
        "an HDF5 file",
        (),
        (".h5", ".hdf5", ".hdf"),
        (b"\x89HDF\r\n\x1a\n",),
        "read it with h5py and " + _SAVE,
    ),
    _Format(
        "a binary file",
        (),
        (".bin", ".dat"),
        (),
        "if it is a batch of CIFAR-10, numpy.fromfile(FILE, numpy.uint8).reshape(-1, 3073) has the "
        "labels in column 0 and the pixels in the others; " + _SAVE,
    ),
    _Format(
        "a batch of CIFAR for Python",
        ("data_batch_", "test_batch", "batches.meta"),
        (),
        (),
        _PICKLE + "read its keys data (N, 3072) and labels, and " + _SAVE,
    ),
    _Format(
        "a file of PyTorch",
        (),
        (".pt", ".pth", ".ckpt"),
        (),
        _PICKLE + "read it with torch.load, and " + _SAVE,
    ),
    _Format(
        "a pickle of Python",
        (),
        (".pkl", ".pickle", ".joblib"),
        (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
        _PICKLE + _SAVE,
    ),
    _Format(
        "an ARFF file",
        (),
        (".arff",),
        (b"@relation", b"@RELATION", b"@Relation"),
        "keep the lines after @data as a CSV file, with the names of the @attribute lines as its "
        "first line",
    ),
    _Format(
        "a workbook of Excel",
        (),
        (".xlsx", ".xls", ".ods"),
        (),
        "save the sheet as a CSV file",
    ),
    _Format(
        "a TFRecord file",
        (),
        (".tfrecord", ".tfrecords"),
        (),
        "read it with TensorFlow and " + _SAVE,
    ),
    _Format(
        "a Feather or Arrow file",
        (),
        (".feather", ".arrow"),
        (b"ARROW1", b"FEA1"),
        "convert it to Parquet with pandas: read_feather(FILE).to_parquet(NEW)",
    ),
    _Format(
        "an R file", (), (".rds", ".rda", ".rdata"), (), "in R, save it with write.csv(data, FILE)"
    ),
    _Format(
        "an SVM file",
        (),
        (".libsvm", ".svm"),
        (),
        "read it with scikit-learn's load_svmlight_file and " + _SAVE,
    ),
    _Format(
        "an IDX file",
        ("train-images", "train-labels", "t10k-images", "t10k-labels"),
        (),
        (b"\0\0\x08\x01", b"\0\0\x08\x03"),
        "give the folder that contains the files of the images and of the labels",
    ),
    _Format(
        "an archive",
        (),
        (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar", ".bz2", ".xz"),
        (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!"),
        "unpack it and give the folder",
    ),
)


def accepts(path: Path) -> bool:
    """Return whether the path is a file, or a folder that contains only such files."""
    if path.is_dir():
        return _first_in(path) is not None
    return path.is_file()


def read(path: Path) -> Contents:
    """Raise a DataError that names the format, and says how to convert it."""
    file = (_first_in(path) if path.is_dir() else None) or path
    found = recognized(file)
    if found is None:
        raise DataError(
            f"{file} is neither a table (CSV, TSV or Parquet) nor an array file (NPZ, NPY or MAT); "
            "convert it to one of them, or give a folder of images or of IDX files"
        )
    raise DataError(f"{file} is {found.name}, which cannot be read; {found.remedy}")


def recognized(path: Path) -> _Format | None:
    """Return the format of a file according to its name or its first bytes, or None."""
    name = path.name.lower()
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        start = b""
    by_content = (
        known
        for known in _FORMATS
        if start.startswith(known.starts) or start[512:].startswith(known.starts)
        if known.starts
    )
    by_name = (
        known
        for known in _FORMATS
        if name.endswith(known.suffixes) or (known.names and name.startswith(known.names))
    )
    return next(by_name, None) or next(by_content, None)


def _first_in(folder: Path) -> Path | None:
    """Return the first recognized file in a folder without images, or None."""
    found = None
    for number, file in enumerate(visible_files(folder)):
        if is_image(file) or number > _MAX_FILES:
            return None
        if found is None and file.is_file() and recognized(file):
            found = file
    return found
