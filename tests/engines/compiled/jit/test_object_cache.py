"""The object-code cache only uses complete code in a private folder, and tolerates failures."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handgrad.engines.compiled.jit import object_cache

CODE = bytes(range(256)) * 4
SENTENCE = (
    "handgrad: compiled kernels cannot be cached {}; each process compiles them again. "
    "Set HANDGRAD_CACHE to a folder that only you can write to"
)


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Reset the cached folder and the warnings of other tests."""
    monkeypatch.setenv("HANDGRAD_CACHE", str(tmp_path))
    for known in (object_cache._folder, object_cache._warn_once, object_cache._remove_old):
        known.cache_clear()
    yield
    for known in (object_cache._folder, object_cache._warn_once, object_cache._remove_old):
        known.cache_clear()


def test_code_is_found_under_its_version_and_name(tmp_path: Path) -> None:
    object_cache.write("one", "copy", CODE)
    assert object_cache.read("one", "copy") == CODE
    assert object_cache.read("one", "other") is None
    assert object_cache.read("two", "copy") is None
    assert [path.name for path in (tmp_path / "kernels/one").iterdir()] == ["copy.o"]


@pytest.mark.parametrize("at", [0, 1, 31, 32, 33, 500, len(CODE) + 31])
def test_a_damaged_file_is_ignored(tmp_path: Path, at: int) -> None:
    object_cache.write("one", "copy", CODE)
    file = tmp_path / "kernels/one/copy.o"
    whole = file.read_bytes()
    file.write_bytes(whole[:at])
    assert object_cache.read("one", "copy") is None
    file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    assert object_cache.read("one", "copy") is None
    object_cache.write("one", "copy", CODE)
    assert object_cache.read("one", "copy") == CODE


def test_a_full_disk_gives_one_warning_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    object_cache.write("one", "copy", CODE)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    for name in ("copy", "other", "third"):
        object_cache.write("one", name, CODE[:100])
    folder = tmp_path / "kernels/one"
    assert caplog.messages == [SENTENCE.format(f"in {folder} (No space left on device)")]
    assert [path.name for path in folder.iterdir()] == ["copy.o"]
    assert object_cache.read("one", "copy") == CODE


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner on this system")
def test_a_folder_writable_by_others_is_not_trusted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "kernels/one"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    object_cache.write("one", "copy", CODE)
    assert object_cache.read("one", "copy") is None
    assert caplog.messages == [SENTENCE.format(f"in {folder} (other users can write to it)")]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner on this system")
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_chosen_folder_writable_by_others_is_not_trusted(
    mode: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    object_cache.write("one", "copy", CODE)
    object_cache._folder.cache_clear()
    tmp_path.chmod(mode)
    assert object_cache.read("one", "copy") is None
    folder = tmp_path / "kernels/one"
    assert caplog.messages == [
        SENTENCE.format(f"in {folder} (other users can write to {tmp_path})")
    ]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner on this system")
def test_a_folder_with_the_sticky_bit_is_trusted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o1777)
    object_cache.write("one", "copy", CODE)
    assert object_cache.read("one", "copy") == CODE
    assert caplog.messages == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner on this system")
@pytest.mark.parametrize("is_chosen", [True, False])
def test_handgrads_own_folders_are_closed_to_other_users(
    is_chosen: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "cache"
    if is_chosen:
        monkeypatch.setenv("HANDGRAD_CACHE", str(root))
    else:
        monkeypatch.delenv("HANDGRAD_CACHE")
        monkeypatch.setattr(
            "handgrad.engines.compiled.jit.object_cache.user_cache_path", lambda *_: root
        )
        root.mkdir()
        root.chmod(0o775)  # as after a download with a umask for a group
    before = os.umask(0)
    try:
        object_cache.write("one", "copy", CODE)
    finally:
        os.umask(before)
    assert object_cache.read("one", "copy") == CODE
    modes = [path.stat().st_mode & 0o777 for path in (root, root / "kernels", root / "kernels/one")]
    assert modes == [0o700 if is_chosen else 0o755, 0o700, 0o700]


def test_a_read_only_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    object_cache.write("one", "copy", CODE)

    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    assert object_cache.read("one", "copy") == CODE
    assert caplog.messages == []
    object_cache.write("one", "other", CODE)
    object_cache.write("one", "third", CODE)
    folder = tmp_path / "kernels/one"
    assert caplog.messages == [SENTENCE.format(f"in {folder} (Read-only file system)")]


@pytest.mark.parametrize("place", ["/dev/null", "/proc/handgrad"])
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_an_impossible_folder_gives_one_warning(
    place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HANDGRAD_CACHE", place)
    object_cache.write("one", "copy", CODE)
    object_cache.write("one", "other", CODE)
    assert object_cache.read("one", "copy") is None
    (message,) = caplog.messages
    assert message.startswith(
        f"handgrad: compiled kernels cannot be cached in {place}/kernels/one ("
    )


def test_without_a_home_folder_nothing_is_cached(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_home(*_: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("HANDGRAD_CACHE")
    monkeypatch.setattr("handgrad.engines.compiled.jit.object_cache.user_cache_path", no_home)
    object_cache.write("one", "copy", CODE)
    assert object_cache.read("one", "copy") is None
    assert caplog.messages == [SENTENCE.format("without a home folder")]


def versions(root: Path, days: dict[str, float]) -> None:
    """Create versions that were last used `days` days ago."""
    for name, ago in days.items():
        folder = root / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "copy.o").write_bytes(CODE)
        os.utime(folder, (time.time() - 86400 * ago,) * 2)


def test_old_versions_are_removed_except_the_newest(tmp_path: Path) -> None:
    old = {f"{n:016x}": 100.0 - n for n in range(20)}
    versions(tmp_path, old | {"a" * 16: 6.0, "mine": 500.0})
    (tmp_path / "kernels" / ("b" * 16)).symlink_to(tmp_path)  # not a version
    object_cache.write("c" * 16, "copy", CODE)
    left = sorted(path.name for path in (tmp_path / "kernels").iterdir())
    assert left == ["0" * 14 + "12", "0" * 14 + "13", "a" * 16, "b" * 16, "c" * 16, "mine"]
    assert list(tmp_path.iterdir()) == [tmp_path / "kernels"]


def test_recently_used_versions_stay(tmp_path: Path) -> None:
    versions(tmp_path, {f"{n:016x}": n / 4 for n in range(20)})
    object_cache.write("c" * 16, "copy", CODE)
    assert len(list((tmp_path / "kernels").iterdir())) == 21


def test_reading_marks_a_version_as_used(tmp_path: Path) -> None:
    versions(tmp_path, {f"{n:016x}": 100 for n in range(9)})
    object_cache.read("0" * 16, "copy")
    object_cache.write("c" * 16, "copy", CODE)
    assert (tmp_path / "kernels" / ("0" * 16) / "copy.o").exists()
    assert len(list((tmp_path / "kernels").iterdir())) == object_cache.MAX_VERSIONS


def test_a_removed_version_is_written_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    object_cache.write("1" * 16, "copy", CODE)
    shutil.rmtree(tmp_path / "kernels" / ("1" * 16))
    assert object_cache.read("1" * 16, "copy") is None
    object_cache.write("1" * 16, "copy", CODE)
    assert object_cache.read("1" * 16, "copy") == CODE
    assert caplog.messages == []


def test_two_processes_may_remove_old_versions_at_once(tmp_path: Path) -> None:
    versions(tmp_path, {f"{n:016x}": 100 for n in range(300)})
    program = "import sys; from handgrad.engines.compiled.jit import object_cache; "
    program += "object_cache.write(sys.argv[1] * 16, 'copy', b'code')"
    environment = {**os.environ, "HANDGRAD_CACHE": str(tmp_path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", program, name], env=environment, stderr=-1)
        for name in "ab"
    ]
    assert [process.communicate()[1] for process in processes] == [b"", b""]
    left = {path.name for path in (tmp_path / "kernels").iterdir()}
    assert {"a" * 16, "b" * 16} <= left
    assert len(left) <= object_cache.MAX_VERSIONS + 1


def test_temporary_files_of_killed_processes_are_removed(tmp_path: Path) -> None:
    object_cache.write("one", "copy", CODE)
    object_cache._remove_old.cache_clear()
    for name, days in (("tmpold", 8), ("tmpnew", 6)):
        path = tmp_path / "kernels/one" / name
        path.touch()
        os.utime(path, (time.time() - 86400 * days,) * 2)
    object_cache.write("one", "other", CODE)
    names = {path.name for path in (tmp_path / "kernels/one").iterdir()}
    assert names == {"copy.o", "other.o", "tmpnew"}


PROGRAM = """
from handgrad.engines.compiled.jit.compiler import Kernel, addresses
print(len(addresses([Kernel("chain.copy")])))
"""


def test_a_damaged_kernel_is_compiled_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "1\n"
        assert done.stderr == "handgrad: compiling 1 kernel for this machine, once ...\n"
        (file,) = tmp_path.rglob("*.o")
        file.write_bytes(file.read_bytes()[:-100])
