"""Decide which column of a table is the label, and which columns are pixels.

The names in the header decide. For a table without a header, `pixel_table` decides by the values.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from handgrad.data.formats.decode import SUFFIXES
from handgrad.data.formats.pixel_rows import Layout, is_square, pixel_layout
from handgrad.errors import DataError

Names = tuple[str, ...]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names of columns without separators. A label is searched for in the first set, then in the next.
LABELS = (
    _names("label labels class classes category target targets digit"),
    _names(
        "classname classlabel classid labelid emotion expression letter character char species "
        "breed symbol symbolid sign answer output truth groundtruth gt diagnosis number y ytrue"
    ),
)
_LABEL_WORDS = _names("label labels class category target")
FILES = _names(
    "filename filenames file files filepath path image images imagename imagepath imagefile img "
    "imgname imgpath fname name photo picture"  # language: ok
)
_IDS = {"", *_names("id ids index idx row rowid rowname rownames rownumber no nr imageid imgid")}
_IDS |= _names("sampleid uid uuid key level0")
_SPLITS = _names("usage split set subset partition dataset phase")
_UNNAMED = re.compile(r"unnamed[:._ ]*\d+([._]\d+)*(_level_\d+)?", re.IGNORECASE)

NUMBER, MISSING, LIST, FILE, TEXT = "number", "missing", "list", "file", "text"
NUMBER_PATTERN = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_NUMERIC = re.compile(rf"{NUMBER_PATTERN}|[+-]?(nan|inf)", re.IGNORECASE)
_PACKED = re.compile(r"[\[(\s]*([+-]?\d[\d.eE+-]*[\s,;\[\]()]+){3,}[+-]?\d[\d.eE+-]*[\])\s]*")
_FILE = re.compile(rf".*({'|'.join(map(re.escape, SUFFIXES))})", re.IGNORECASE)
_MIN_PIXELS = 4
_FLAGS = ("0", "1", "0.0", "1.0", "True", "False", "true", "false", "TRUE", "FALSE")


@dataclass(frozen=True)
class Columns:
    """The meaning of each column of a table, as 0-based indices.

    Attributes:
        label: the column with the label, if any.
        one_hot: the columns with one-hot labels, if the labels have this form.
        files: the column with the names of image files, if any.
        split: the column that states the split, such as `Usage`, if any.
        packed: the column with all pixels in one cell, if any.
        pixels: the columns with one pixel each, in the order of `layout`.
        layout: the shape of the images, unless it follows from the number of pixels.
        undecided: whether the label may be the first or the last of the pixel columns.
        skipped: the columns that are not used: identifiers, row numbers, and others.
    """

    label: int | None = None
    one_hot: tuple[int, ...] = ()
    files: int | None = None
    split: int | None = None
    packed: int | None = None
    pixels: tuple[int, ...] = ()
    layout: Layout | None = None
    undecided: bool = False
    skipped: tuple[int, ...] = field(default=())


class _Known(NamedTuple):
    """The columns of a table that are recognized by their names."""

    ids: list[int]
    splits: list[int]
    files: list[int]
    packed: list[int]
    others: list[int]


def normalized(name: str) -> str:
    """Return a column name in lower case, without separators."""
    return re.sub(r"[\s_.\-]+", "", name.strip().lower())


def is_id(name: str) -> bool:
    """Return whether a column with this name contains identifiers or row numbers."""
    return normalized(name) in _IDS or _UNNAMED.fullmatch(name.strip()) is not None


@lru_cache(1 << 12)
def kind_of(cell: str) -> str:
    """Return the kind of a cell: NUMBER, MISSING, LIST (of numbers), FILE or TEXT."""
    cell = cell.strip()
    if not cell:
        return MISSING
    if _NUMERIC.fullmatch(cell):
        return NUMBER
    if len(cell) > 6 and _PACKED.fullmatch(cell):
        return LIST
    return FILE if _FILE.fullmatch(cell) else TEXT


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row contains names: they differ in kind from the rows below."""
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    named = [cell.lower() for cell in first if cell]
    are_names = sum(kind_of(cell) == TEXT for cell in first) > len(first) / 2
    if not named or (len(set(named)) < len(named) and not are_names):
        return False
    counts = [str(k) for k in range(len(named))]
    if len(named) > 16 and named in (counts, [str(k + 1) for k in range(len(named))]):
        return True  # pandas writes 0, 1, 2, ... if the columns have no names
    known = {name for name in LABELS[0] | LABELS[1] | FILES | _SPLITS if len(name) > 2}
    if any(normalized(name) in known for name in named):
        return True
    for k, cell in enumerate(first):
        below = {kind_of(row[k]) for row in rest if k < len(row)} - {MISSING}
        if kind_of(cell) == TEXT and below and TEXT not in below:
            return True
    return False


def interpret(
    names: Names | None, sample: Sequence[Sequence[str]], split_names: Iterable[str]
) -> Columns:
    """Decide what each column contains.

    Args:
        names: the column names, or None if there is no header.
        sample: the cells of the first rows.
        split_names: the values of a column that states the split, in lower case.

    Raises:
        DataError: if it is ambiguous which column is the label; the message names the columns.
    """
    if names is None:
        return _without_names(sample, frozenset(split_names))
    known = _known(names, sample)
    rest = known.others
    label = _label(names, [*rest, *known.ids])
    rest = [k for k in rest if k != label]
    skipped = [k for k in known.ids if k != label]
    split = _only(names, known.splits, "the split")
    if known.packed:
        packed = _only(names, known.packed, "the pixels")
        if label is None and len(rest) == 1:
            label, rest = rest[0], []
        elif label is None and rest:
            raise _unnamed(names, rest)
        skipped += [*rest, *known.files]
        return Columns(label, split=split, packed=packed, skipped=tuple(sorted(skipped)))
    has_files = any(kind_of(cell) == FILE for row in sample for cell in row)
    numeric = [k for k in rest if _is_numeric(sample, k)]
    pixels = _pixel_columns(names, numeric, label is not None and not has_files)
    taken = set(pixels)
    others = [k for k in rest if k not in taken]
    if not pixels:
        return _file_columns(names, known, label, split, others, sample)
    unused = list(known.files)
    if label is None and not any(kind_of(row[k]) == FILE for row in sample for k in known.files):
        others, unused = sorted([*others, *known.files]), []  # `name` may be the label
    one_hot: list[int] = []
    if label is None and len(others) > 1 and _are_flags(sample, others):
        one_hot, others = others, []
    if label is None and not one_hot and others:
        raise _unnamed(names, others)
    has_label = label is not None or bool(one_hot)
    undecided = not has_label and not is_square(len(pixels)) and is_square(len(pixels) - 1)
    order, layout = ([], None) if undecided else pixel_layout([names[k] for k in pixels])
    return Columns(
        label,
        tuple(one_hot),
        split=split,
        pixels=tuple(pixels) if undecided else tuple(pixels[k] for k in order),
        layout=layout,
        undecided=undecided,
        skipped=tuple(sorted([*skipped, *others, *unused])),
    )


def _without_names(sample: Sequence[Sequence[str]], split_names: frozenset[str]) -> Columns:
    """Decide what the columns of a table without a header contain, by the kinds of the cells."""
    width = len(sample[0])
    kinds = [{kind_of(row[k]) for row in sample} - {MISSING} for k in range(width)]
    values = [{row[k].strip().lower() for row in sample} for k in range(width)]
    lists = [k for k in range(width) if _is_mostly(LIST, sample, k)]
    files = [k for k in range(width) if kinds[k] == {FILE}]
    splits = [k for k in range(width) if TEXT in kinds[k] and values[k] <= split_names]
    split = splits[0] if len(splits) == 1 and len(lists or files) == 1 else None
    rest = [k for k in range(width) if k not in {*lists, *files, split}]
    if len(lists) == 1 or len(files) == 1:
        if len(rest) > 1:
            raise DataError("it is unclear which column is the label; add a header with `label`")
        label = rest[0] if rest else None
        if lists:
            return Columns(label, split=split, packed=lists[0])
        return Columns(label, files=files[0], split=split)
    counts = [sum(kind_of(row[k]) == TEXT for row in sample) for k in range(width)]
    texts = [k for k in range(width) if counts[k] * 2 > len(sample)]
    if len(texts) > 1:
        raise DataError(
            f"columns {texts[0] + 1} and {texts[1] + 1} contain text, and there is no header; add "
            "a header that calls one of them label"
        )
    if not texts and counts[0]:
        texts = [0]  # labels such as 1, 2, a, b
    if texts:
        return Columns(texts[0], pixels=tuple(k for k in range(width) if k != texts[0]))
    skipped: tuple[int, ...] = ()
    if width > 1 and not any(row[-1] for row in sample):  # each line ends with a separator
        width, skipped = width - 1, (width - 1,)
    undecided = not is_square(width) or is_square(width - 1)
    return Columns(pixels=tuple(range(width)), undecided=undecided, skipped=skipped)


def _known(names: Names, sample: Sequence[Sequence[str]]) -> _Known:
    """Sort the columns by the meaning of their names."""
    known = _Known([], [], [], [], [])
    for k, name in enumerate(names):
        kinds = {kind_of(row[k]) for row in sample} - {MISSING}
        short = normalized(name)
        if _is_mostly(LIST, sample, k):
            known.packed.append(k)
        elif is_id(name):
            known.ids.append(k)
        elif short in _SPLITS and NUMBER not in kinds:
            known.splits.append(k)
        elif short in FILES and (NUMBER not in kinds or len(names) < 8):
            known.files.append(k)
        else:
            known.others.append(k)
    return known


def _label(names: Names, candidates: Sequence[int]) -> int | None:
    """Return the column whose name is that of a label, or None."""
    for known in LABELS:
        found = [k for k in candidates if normalized(names[k]) in known]
        if known is LABELS[1] and any(normalized(name) == "x" for name in names):
            found = [k for k in found if normalized(names[k]) != "y"]  # x and y are coordinates
        if found:
            return _only(names, found, "the label")
    words = [k for k in candidates if _LABEL_WORDS & set(re.split(r"[\W_\d]+", names[k].lower()))]
    return words[0] if len(words) == 1 else None


def _pixel_columns(names: Names, candidates: Sequence[int], take_all: bool) -> list[int]:
    """Return the columns whose names differ only by numbers; otherwise all, or none.

    All are returned if `take_all` is set, and they may be the pixels of a square image.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for k in candidates:
        groups[_pattern(names[k])].append(k)
    largest = max(groups.values(), key=len, default=[])
    if len(largest) >= max(_MIN_PIXELS, len(candidates) / 2):
        return largest
    enough = len(candidates) >= _MIN_PIXELS and is_square(len(candidates))
    return list(candidates) if enough and take_all else []


def _pattern(name: str) -> str:
    """Replace the numbers in a name, and the name of a colour next to a number."""
    colour = re.sub(r"(?<![a-z])(red|green|blue|[rgb])(?=[\W_]*\d|$)", "~", name.strip().lower())
    return re.sub(r"\d+", "#", colour)


def _file_columns(
    names: Names,
    known: _Known,
    label: int | None,
    split: int | None,
    others: Sequence[int],
    sample: Sequence[Sequence[str]],
) -> Columns:
    """Return the columns of a table of image files."""
    named = [k for k in known.files if k != label]
    by_suffix = [k for k in range(len(names)) if any(kind_of(row[k]) == FILE for row in sample)]
    found = next(iter([*by_suffix, *named, *(k for k in known.ids if k != label)]), None)
    others = [k for k in (*others, *known.files, *known.ids) if k not in {found, label}]
    unknown = [k for k in others if k not in known.ids]
    if found is not None and label is None and len(unknown) > 1 and _are_flags(sample, unknown):
        ids = tuple(k for k in others if k in known.ids)
        return Columns(one_hot=tuple(unknown), files=found, split=split, skipped=ids)
    if found is not None and label is None and len(unknown) == 1:
        label = unknown[0]
        others.remove(label)
    if label is None and unknown:
        raise _unnamed(names, unknown)
    if found is None:
        raise DataError(
            "there are neither columns with pixels nor a column with files; name the columns label "
            "and pixel0, pixel1, ..., or file_name and label"
        )
    return Columns(label, files=found, split=split, skipped=tuple(sorted(others)))


def _is_mostly(kind: str, sample: Sequence[Sequence[str]], k: int) -> bool:
    """Return whether at least half of the first cells of a column are of one kind."""
    return sum(kind_of(row[k]) == kind for row in sample) * 2 >= len(sample) > 0


def _is_numeric(sample: Sequence[Sequence[str]], k: int) -> bool:
    """Return whether a column contains numbers in most of the first rows."""
    kinds = [kind_of(row[k]) for row in sample]
    return sum(kind in (NUMBER, MISSING) for kind in kinds) * 2 > len(kinds)


def _are_flags(sample: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    """Return whether the first rows contain only 0 and 1, or True and False, in some columns."""
    return all(row[k] in _FLAGS for row in sample for k in columns)


def _only(names: Names, columns: Sequence[int], meaning: str) -> int | None:
    """Return the only column, or None; raise a DataError if there are two."""
    if len(columns) > 1:
        raise DataError(
            f"{' and '.join(_described(names, columns[:2]))} could both be {meaning}; remove or "
            "rename one of them"
        )
    return columns[0] if columns else None


def _unnamed(names: Names, columns: Sequence[int]) -> DataError:
    """Return the error for a table in which no column has the name of a label."""
    found = ", ".join(_described(names, columns[:3])) + (", ..." if len(columns) > 3 else "")
    return DataError(
        f"no column is called label, but there is {found}; call the column with the labels label"
    )


def _described(names: Names, columns: Iterable[int]) -> Iterator[str]:
    return (f"column {k + 1} `{names[k][:40]}`" for k in columns)
