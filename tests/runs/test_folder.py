import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import handgrad as hg
from handgrad.runs import (
    checkpoints,
    find_checkpoint,
    finish,
    has_checkpoint,
    resume_run,
    start_run,
)
from handgrad.train.checkpoint.file import write_checkpoint
from tests.train.checkpoint.test_file import STATE


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def put(out=None, name="a"):
    with start_run(out, name) as folder:
        (folder / "file").write_text("x")
        finish(folder)
    return folder


def test_runs_are_numbered_and_only_their_files_stay():
    assert [put(), put(), put(name="b")] == [Path(f"runs/{n}") for n in ("a-1", "a-2", "b-1")]
    assert sorted(str(p) for p in Path("runs").rglob("*")) == [
        *("runs/a-1", "runs/a-1/file", "runs/a-2", "runs/a-2/file", "runs/b-1", "runs/b-1/file")
    ]


@pytest.mark.parametrize("out", [None, Path("new/out")])
def test_runs_that_start_together_get_separate_folders(out):
    together, places, refused = threading.Barrier(8), [], []

    def run():
        together.wait()
        try:
            places.append(put(out))
        except hg.ConfigError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if out is None:
        assert sorted(places) == [Path(f"runs/a-{n}") for n in range(1, 9)]
    else:
        assert places == [out]
        assert (
            refused
            == [
                f"{out} already exists and is not an empty folder; choose another folder with --out"
            ]
            * 7
        )
    assert all((place / "file").exists() for place in places)


@pytest.mark.parametrize("out", [None, Path("new/deep/run")])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_run_that_fails_before_its_first_checkpoint_leaves_nothing(out, error, tmp_path):
    with pytest.raises(error), start_run(out, "a"):
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", [None, Path("new/deep/run")])
def test_a_run_that_fails_later_keeps_its_folder(out):
    with pytest.raises(KeyboardInterrupt), start_run(out, "a") as folder:  # noqa: PT012
        (checkpoints(folder) / "checkpoint-000001.safetensors").write_text("x")
        raise KeyboardInterrupt
    assert folder == (out or Path("runs/a-1"))
    assert has_checkpoint(folder)
    assert put() == Path(f"runs/a-{1 if out else 2}")


def test_the_files_of_a_killed_run_are_removed_after_a_day():
    for name, hours in (("old", 25), ("new", 23)):
        left = checkpoints(Path("runs") / name)
        left.mkdir(parents=True)
        (left / "lock").touch()
        long_ago = time.time() - hours * 3600
        os.utime(left, (long_ago, long_ago))
    begun_long_ago = checkpoints(Path("runs/stopped"))
    begun_long_ago.mkdir(parents=True)
    (begun_long_ago / "checkpoint-000001.safetensors").touch()
    os.utime(begun_long_ago, (0, 0))
    put()
    assert sorted(p.name for p in Path("runs").iterdir()) == ["a-1", "new", "stopped"]


AT_WORK = """
import sys, time
from pathlib import Path
from handgrad.runs import start_run
with start_run(Path(sys.argv[1]), "a") as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


CUT_OFF = """
import signal, sys
from pathlib import Path
from handgrad.runs import checkpoints, start_run
from handgrad.signals import end_command, install_handler
install_handler(end_command)
with start_run(Path("new/deep/run"), "a") as folder:
    if sys.argv[1] == "later":
        (checkpoints(folder) / "checkpoint-000001.safetensors").write_text("x")
    try:
        signal.raise_signal(signal.SIGTERM)
    except BaseException:  # as LLVM does, and goes on
        signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.parametrize("when", ["soon", "later"])
def test_a_terminated_run_leaves_nothing_unless_it_has_a_checkpoint(when, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", CUT_OFF, when], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGTERM, "")
    if when == "soon":
        assert list(tmp_path.iterdir()) == []
    else:
        assert has_checkpoint(Path("new/deep/run"))


@pytest.fixture
def another():
    """Start another process that uses the folder `out` and has no checkpoint yet."""
    with subprocess.Popen([sys.executable, "-c", AT_WORK, "out"], stdout=-1, text=True) as process:
        assert process.stdout.readline() == "out\n"
        yield process
        process.kill()


def test_a_folder_is_free_again_after_the_process_that_used_it_has_died(another):
    with pytest.raises(hg.ConfigError, match=r"^out already exists and is not an empty folder"):
        put(Path("out"))
    another.kill()
    another.wait()
    (checkpoints(Path("out")) / "lock").touch()
    (checkpoints(Path("out")) / ".checkpoint-000001-0badcafe.safetensors").write_bytes(b"half")
    with pytest.raises(hg.ConfigError, match=r"before its first checkpoint .* with --out out$"):
        find_checkpoint(Path("out"))
    assert put(Path("out")) == Path("out")
    assert [path.name for path in Path("out").iterdir()] == ["file"]


def test_a_run_that_is_in_use_cannot_be_resumed(another):
    write_checkpoint(
        checkpoints(Path("out")) / "checkpoint-000001.safetensors", STATE, {"run": {}, "config": {}}
    )
    with (
        pytest.raises(hg.ConfigError, match=r"^out: another process uses this run; wait until it"),
        resume_run(Path("out")),
    ):
        pass
    another.kill()
    another.wait()
    for _ in range(2):
        with resume_run(Path("out")) as found:
            assert found.state.steps == STATE.steps


def test_a_signal_while_a_folder_is_created_is_deferred(tmp_path, monkeypatch):
    mkdir = Path.mkdir

    def interrupted(self, *words, **options):
        mkdir(self, *words, **options)
        if self.name == "checkpoints":
            monkeypatch.undo()
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Path, "mkdir", interrupted)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        put(out)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_run_gives_a_one_sentence_error(monkeypatch):
    write_checkpoint(
        checkpoints(Path("out")) / "checkpoint-000001.safetensors", STATE, {"run": {}, "config": {}}
    )

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("handgrad.runs.folder.Lock.take", refuse)
    with (
        pytest.raises(hg.ConfigError, match=r"^out cannot be written to \(Read-only file system\)"),
        resume_run(Path("out")),
    ):
        pass


def test_a_failed_run_leaves_other_runs_alone():
    put()
    with pytest.raises(ValueError, match="no"), start_run(None, "a"):
        raise ValueError("no")
    assert [p.name for p in Path("runs").iterdir()] == ["a-1"]


def test_out_may_be_an_empty_folder_but_no_other():
    Path("empty").mkdir()
    with pytest.raises(ValueError, match="no"), start_run(Path("empty"), "a"):
        raise ValueError("no")
    assert put(Path("empty")) == Path("empty")
    with pytest.raises(
        hg.ConfigError, match=r"^empty already exists and is not an empty folder; choose"
    ):
        put(Path("empty"))
    assert [p.name for p in Path("empty").iterdir()] == ["file"]
    Path("text").write_text("mine")
    Path("to-nothing").symlink_to("nothing")
    for taken in (Path("text"), Path("to-nothing")):
        with pytest.raises(hg.ConfigError, match=rf"^{taken} already exists"):
            put(taken)
    assert Path("text").read_text() == "mine"


def test_out_may_be_a_link_to_an_empty_folder_or_the_current_one(tmp_path, monkeypatch):
    Path("empty").mkdir()
    Path("to-empty").symlink_to("empty")
    put(Path("to-empty"))
    assert Path("empty/file").exists()
    Path("here").mkdir()
    monkeypatch.chdir("here")
    put(Path())
    assert (tmp_path / "here/file").exists()


@pytest.mark.parametrize("place", [Path("file/run"), Path("x" * 300), Path("new", "x" * 300)])
def test_an_unwritable_folder_is_reported_before_the_work(place, tmp_path):
    Path("file").write_text("x")
    with pytest.raises(
        hg.ConfigError, match=r"cannot be written to \(.*\); choose another folder with"
    ):
        put(place)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_folder_without_access_gives_a_one_sentence_error(monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(hg.ConfigError, match=r"^no/x cannot be written to \(Permission denied\)"):
        put(Path("no/x"))


def test_only_an_interrupted_run_can_be_continued():
    with pytest.raises(
        hg.ConfigError, match=r"^none is not an interrupted run, because it has no chec"
    ):
        find_checkpoint(Path("none"))
    Path("done").mkdir()
    Path("done/model.safetensors").touch()
    with pytest.raises(
        hg.ConfigError, match=r"^done is finished and .* `handgrad evaluate done` eva"
    ):
        find_checkpoint(Path("done"))
