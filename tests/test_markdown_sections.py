import pytest

from handgrad.errors import DataError
from handgrad.markdown_sections import read, table, write

BEGIN, END = "<!-- begin: numbers -->", "<!-- end: numbers -->"


def test_writing_keeps_the_rest_of_the_document(tmp_path):
    path = tmp_path / "proof.md"
    assert read("numbers", path) == ""
    write("numbers", "one", path)
    assert path.read_text() == f"{BEGIN}\n\none\n{END}\n"
    path.write_text(f"# Proof\n\nbefore\n{BEGIN}\nold\n{END}\nafter\n")
    write("numbers", "two", path)
    assert path.read_text() == f"# Proof\n\nbefore\n{BEGIN}\n\ntwo\n{END}\nafter\n"
    assert read("numbers", path) == "two"
    write("others", "four", path)
    assert read("numbers", path) == "two"
    assert read("others", path) == "four"
    path.write_text("# Proof\n")
    write("numbers", "three", path)
    assert path.read_text() == f"# Proof\n\n{BEGIN}\n\nthree\n{END}\n"


@pytest.mark.parametrize("text", [BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_missing_mark_is_refused(tmp_path, text):
    path = tmp_path / "proof.md"
    path.write_text(text)
    with pytest.raises(DataError, match="restore the marks"):
        write("numbers", "one", path)
    assert path.read_text() == text


def test_a_table_aligns_numbers_right():
    assert table(["what", ">count"], [["a", "1"]]) == "| what | count |\n| --- | --: |\n| a | 1 |"
