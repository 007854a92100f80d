import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data.formats.columns import kind_of
from handgrad.data.formats.text_table import open_table, parse
from handgrad.errors import DataError

NUMBERS = st.one_of(
    st.integers(-300, 70_000).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(0, 1).map("{:.4f}".format),
    st.floats(0, 255).map("{:.18e}".format),
    st.sampled_from(["", " ", "1.", ".5", "+3", "1_0", "0x1", "1e400", "NaN", "inf", "a", '"7"']),
    st.text("0123456789.eE+-_ ", max_size=6),
)


@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=4))
def test_both_parsers_convert_the_same_cells_to_the_same_numbers(rows):
    pytest.importorskip("pyarrow")
    lines = [",".join(row) for row in rows]
    with_arrow = parse(lines, ",", [0, 2], 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        without = parse(lines, ",", [0, 2], 3)
    assert (with_arrow is None) == (without is None)
    if with_arrow is not None:
        assert np.array_equal(with_arrow, without, equal_nan=True)


@given(st.integers(0, 255), st.sampled_from(["{}", "{}.0", "{:.18e}", " {} "]))
def test_numbers_are_recognized(value, form):
    assert kind_of(form.format(value)) == "number"


@pytest.mark.parametrize(
    ("text", "delimiter", "names"),
    [
        ("label,a,b\n1,2,3\n", ",", ("label", "a", "b")),
        ("label;a;b\n1;2,5;3,5\n", ";", ("label", "a", "b")),
        ("label\ta\tb\n1\t2\t3\n", "\t", ("label", "a", "b")),
        ('"x, y";1\n"z, w";2\n', ";", None),
        ("1,2,3\n4,5,6\n", ",", None),
    ],
)
def test_delimiters_and_headers(tmp_path, text, delimiter, names):
    path = Path(tmp_path, "a.csv")
    path.write_text(text)
    table = open_table(path)
    assert (table.delimiter, table.names) == (delimiter, names)


def test_a_line_without_end_is_refused(tmp_path):
    path = Path(tmp_path, "a.csv")
    path.write_text("label,a\n1," + "1" * (1 << 20))
    with pytest.raises(DataError, match="line 2: is longer than 1,048,576 characters"):
        open_table(path)
