"""The table of built-in data sets: shapes, authors, licences, mirrors and checksums."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from handgrad.class_names import Label
from handgrad.data.images import Shape
from handgrad.errors import ConfigError


@dataclass(frozen=True)
class File:
    """One file of a data set.

    Attributes:
        name: the file name, without .gz.
        size: the size of the uncompressed file in bytes.
        sha256: the published checksum.
        of: what `sha256` was computed from: "content" for the uncompressed content, or "gzip" for
            the .gz file if only the checksum of the .gz file is published.
    """

    name: str
    size: int
    sha256: str
    of: Literal["content", "gzip"]


@dataclass(frozen=True)
class Source:
    """A built-in data set.

    Attributes:
        name: the name that `load_data` accepts for the data set.
        classes: the names of the classes.
        shape: the shape of one image, (C, H, W).
        train: the number of training images.
        test: the number of test images.
        credit: the authors of the data set.
        licence: the licence of the data set.
        mirrors: the base URLs of the files, in the order in which they are tried.
        files: the files of the training images, training labels, test images and test labels. The
            tuple is empty if the data set is included in an installed package.
        preset: the preprocessing that converts an image file to the form of these images.
    """

    name: str
    classes: tuple[Label, ...]
    shape: Shape
    train: int
    test: int
    credit: str
    licence: str
    mirrors: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    preset: str = "light"


def _mnist_files(of: Literal["content", "gzip"], *sha256: str) -> tuple[File, ...]:
    """Return the four files of MNIST or one of its variants, with the given checksums."""
    names_and_sizes = (
        ("train-images-idx3-ubyte", 16 + 60_000 * 28 * 28),
        ("train-labels-idx1-ubyte", 8 + 60_000),
        ("t10k-images-idx3-ubyte", 16 + 10_000 * 28 * 28),
        ("t10k-labels-idx1-ubyte", 8 + 10_000),
    )
    return tuple(
        File(name, size, digest, of)
        for (name, size), digest in zip(names_and_sizes, sha256, strict=True)
    )


DIGITS = Source(
    name="digits",
    classes=tuple(range(10)),
    shape=(1, 8, 8),
    train=1438,
    test=359,
    credit="E. Alpaydin, C. Kaynak; UCI repository, in scikit-learn",
    licence="CC BY 4.0",
)

MNIST = Source(
    name="mnist",
    classes=tuple(range(10)),
    shape=(1, 28, 28),
    train=60_000,
    test=10_000,
    credit="Y. LeCun, C. Cortes, C. Burges",
    licence="CC BY-SA 3.0",
    preset="drawing",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    files=_mnist_files(
        "content",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)

FASHION_MNIST = Source(
    name="fashion-mnist",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    shape=(1, 28, 28),
    train=60_000,
    test=10_000,
    credit="Zalando Research",
    licence="MIT",
    mirrors=(
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    ),
    files=_mnist_files(
        "content",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)

KMNIST = Source(
    name="kmnist",
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    shape=(1, 28, 28),
    train=60_000,
    test=10_000,
    credit="ROIS-DS Center for Open Data in the Humanities",
    licence="CC BY-SA 4.0",
    mirrors=("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    files=_mnist_files(
        "gzip",
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ),
)

SOURCES: dict[str, Source] = {s.name: s for s in (DIGITS, MNIST, FASHION_MNIST, KMNIST)}


def source_named(name: str) -> Source:
    """Return the data set with the given name.

    Raises:
        ConfigError: if there is no data set with this name.
    """
    if name not in SOURCES:
        near = difflib.get_close_matches(name, SOURCES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(SOURCES)}"
        raise ConfigError(f"there is no data set called {name!r}; {hint}")
    return SOURCES[name]
