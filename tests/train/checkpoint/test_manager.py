from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import handgrad as hg
from handgrad.train.checkpoint.file import write_checkpoint
from handgrad.train.checkpoint.manager import CheckpointConfig, CheckpointManager
from tests.train.checkpoint.test_file import STATE


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "lock")


def saved(folder: Path, count: int) -> None:
    with CheckpointManager(CheckpointConfig(folder), {}) as manager:
        for steps in range(count):
            manager.save(STATE._replace(steps=steps))


def test_last_two_checkpoints_are_kept_and_the_newest_is_loaded(tmp_path: Path) -> None:
    saved(tmp_path / "new", 5)
    assert names(tmp_path / "new") == [
        "checkpoint-000004.safetensors",
        "checkpoint-000005.safetensors",
    ]
    with CheckpointManager(CheckpointConfig(tmp_path / "new"), {}) as manager:
        found = manager.newest()
        assert found is not None
        assert found.state.steps == 4
        manager.save(STATE)
    assert names(tmp_path / "new") == [
        "checkpoint-000005.safetensors",
        "checkpoint-000006.safetensors",
    ]


def test_damaged_checkpoint_is_logged_skipped_and_not_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path, 3)
    (tmp_path / "checkpoint-000003.safetensors").write_bytes(b"torn")
    with (
        caplog.at_level(logging.WARNING),
        CheckpointManager(CheckpointConfig(tmp_path), {}) as manager,
    ):
        found = manager.newest()
        assert found is not None
        assert found.state.steps == 1
        manager.save(STATE)
    (sentence,) = caplog.messages
    assert "checkpoint-000003.safetensors: damaged" in sentence
    assert sentence.endswith("resuming from the previous checkpoint, checkpoint-000002.safetensors")
    assert names(tmp_path) == ["checkpoint-000002.safetensors", "checkpoint-000004.safetensors"]


def test_only_damaged_checkpoints_give_a_one_sentence_error(tmp_path: Path) -> None:
    saved(tmp_path, 2)
    for path in tmp_path.glob("checkpoint-*"):
        path.write_bytes(b"")
    with (
        CheckpointManager(CheckpointConfig(tmp_path), {}) as manager,
        pytest.raises(
            hg.StorageError,
            match=r"000002.*damaged.*; .*000001.*damaged.*There is no other checkpoint; start",
        ),
    ):
        manager.newest()


def test_checkpoint_of_another_version_is_not_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path, 2)
    with monkeypatch.context() as patch:
        patch.setattr("handgrad.train.checkpoint.file.FORMAT", 9)
        write_checkpoint(tmp_path / "checkpoint-000003.safetensors", STATE, {})
    with (
        CheckpointManager(CheckpointConfig(tmp_path), {}) as manager,
        pytest.raises(hg.StorageError, match=r"000003.* has format 9, .*; resume with the version"),
    ):
        manager.newest()


def test_temporary_files_of_a_killed_process_are_removed_and_no_others(tmp_path: Path) -> None:
    (tmp_path / ".checkpoint-000007-0badcafe.safetensors").write_bytes(b"half")
    (tmp_path / "mine.safetensors").write_bytes(b"mine")
    (tmp_path / "checkpoint-best.safetensors").write_bytes(b"mine")
    saved(tmp_path, 3)
    assert names(tmp_path) == [
        "checkpoint-000002.safetensors",
        "checkpoint-000003.safetensors",
        "checkpoint-best.safetensors",
        "mine.safetensors",
    ]


def test_folder_is_locked_against_other_processes(tmp_path: Path) -> None:
    program = (
        "import sys; from handgrad.train.checkpoint.manager import *; "
        "k = CheckpointManager(CheckpointConfig(sys.argv[1]), {}); print('in', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdin=-1, stdout=-1, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        with pytest.raises(hg.ConfigError, match="another run uses this folder, in this pro"):
            CheckpointManager(CheckpointConfig(tmp_path), {})
        other.kill()
    saved(tmp_path, 1)  # the lock of a dead process holds nobody up


@pytest.mark.skipif(os.name != "posix", reason="a folder in a file is another error elsewhere")
def test_folder_that_cannot_be_created_gives_a_one_sentence_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(hg.StorageError, match=r"file/new: cannot be written to \(Not a directory"):
        CheckpointManager(CheckpointConfig(tmp_path / "file" / "new"), {})


def test_checkpoint_is_due_after_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("handgrad.train.checkpoint.manager.time.monotonic", lambda: now[0])
    with CheckpointManager(CheckpointConfig(tmp_path, minutes=0.5), {}) as manager:
        due = []
        for seconds in (29, 2, 0):
            now[0] += seconds
            due.append(manager.is_due)
        manager.save(STATE)
        assert [*due, manager.is_due] == [False, True, True, False]
    with CheckpointManager(CheckpointConfig(tmp_path, minutes=0), {}) as manager:
        now[0] += 1e9
        assert not manager.is_due
    with pytest.raises(hg.ConfigError, match="minutes must be a number of at least 0, not -1"):
        CheckpointConfig(tmp_path, minutes=-1)
