from __future__ import annotations

from pathlib import Path

import pytest

from handgrad.train.checkpoint.manager import Lock


def test_lock_is_held_once_at_a_time(tmp_path: Path) -> None:
    one, other = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert one.take()
    assert not other.take()
    one.release()
    assert other.take()
    other.release()


def test_lock_raises_os_error_if_the_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Lock(tmp_path / "file" / "lock").take()
