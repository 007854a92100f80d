from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from handgrad.errors import ConfigError, StorageError
from handgrad.files import check_apart, replacing, sweep


def test_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("ha")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_has_the_usual_permissions(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain", tmp_path / "a"
    plain.write_text("")
    with replacing(path) as temporary:
        temporary.write_text("")
    assert path.stat().st_mode == plain.stat().st_mode


def test_path_that_cannot_be_written_gives_a_one_sentence_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "a.txt"

    def write() -> None:
        with replacing(path) as temporary:
            temporary.write_text("x")

    with pytest.raises(StorageError, match=r"a\.txt: cannot be written \(.+\); choose another"):
        write()


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_path_without_a_file_name_gives_a_one_sentence_error(path: str) -> None:
    with pytest.raises(StorageError, match=r"[./] is not a file name; give the path of"):
        replacing(Path(path)).__enter__()


def test_sweep_removes_temporary_files_only(tmp_path: Path) -> None:
    names = []

    def note(path: Path) -> None:
        with replacing(path) as temporary:
            temporary.touch()
            names.append(temporary.name)

    for name in ("a.txt", "history.csv", "checkpoint-000001.safetensors", "plain"):
        note(tmp_path / name)
    for name in names:
        (tmp_path / name).touch()
    for name in (".bashrc", ".a-1.txt", "b-0badcafe.txt"):
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert not any((tmp_path / name).exists() for name in names)
    assert len(list(tmp_path.iterdir())) == 4 + 3


def test_sweep_leaves_young_files(tmp_path: Path) -> None:
    for name, ago in ((".a-0badcafe.npy", 30), (".b-0badcafe.npy", 90), ("mine", 90)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - ago,) * 2)
    sweep(tmp_path, age=60)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a-0badcafe.npy", "mine"]
    os.utime(tmp_path / ".a-0badcafe.npy", (time.time() + 1e6,) * 2)  # by a clock that was wrong
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_input_file_is_not_overwritten(tmp_path: Path) -> None:
    read, link, other = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    read.write_text("")
    link.symlink_to(read)
    check_apart(other, [read, link, other])  # which is not there yet
    other.write_text("")
    check_apart(other, [read, link, tmp_path / "gone"])
    with pytest.raises(ConfigError, match=r"b is an input file; choose a different output file$"):
        check_apart(link, [other, read])
