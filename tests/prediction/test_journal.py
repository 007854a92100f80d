import pytest

import handgrad as hg
from handgrad.prediction import Journal, Prediction

ANSWERS = [
    Prediction("ä\n.png", "cat", [("cat", 0.1), ("dog", 1 / 3)]),
    Prediction("\udce4.png", 3, [(3, 1e-30)], "unsure"),
    Prediction("c.png", None, [], error="broken"),
]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "out.csv.part"


def write(file, digest="d", answers=ANSWERS):
    with Journal(file, digest).opened() as journal:
        journal.add(answers)


def read(file, digest="d"):
    journal = Journal(file, digest)
    with journal.opened():
        return journal.predictions


def test_answers_are_read_as_they_were_written(file):
    write(file)
    write(file)
    assert read(file) == ANSWERS * 2


def test_an_incomplete_line_is_cut_off_wherever_it_ends(file):
    write(file)
    whole = file.read_bytes()
    for size in range(0, len(whole), 3):
        file.write_bytes(whole[:size])
        complete = max(0, whole[:size].count(b"\n") - 1)  # the first line is the digest
        assert read(file) == ANSWERS[:complete], size
        write(file, answers=ANSWERS[complete:])
        assert file.read_bytes() == whole, size


@pytest.mark.parametrize("damage", [b"\0" * 40 + b"\n", b'["a", 1]\n', b"{}\n", b"\xff\n"])
def test_a_damaged_line_and_all_lines_after_it_are_cut_off(file, damage):
    write(file)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:2], damage, *lines[3:]]))
    assert read(file) == ANSWERS[:1]


def test_the_answers_of_another_job_are_not_used(file):
    write(file)
    assert read(file, "e") == []
    assert read(file) == []


def test_two_processes_do_not_write_to_one_file(file):
    with (
        Journal(file, "d").opened(),
        pytest.raises(hg.ConfigError, match="another process writes this file"),
        Journal(file, "d").opened(),
    ):
        pass
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_that_cannot_be_written(file):
    file.mkdir()
    with (
        pytest.raises(hg.StorageError, match=r"out\.csv\.part: cannot be written"),
        Journal(file, "d").opened(),
    ):
        pass
