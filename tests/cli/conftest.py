import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from handgrad.cli.app import app


class Outcome(NamedTuple):
    """The exit status and the output of a command."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each command in an empty folder, without environment variables of handgrad."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("HANDGRAD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def handgrad(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command in this process."""

    def call(*words: object) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            app([str(word) for word in words], prog_name="handgrad")
        return Outcome(ended.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train softmax regression on digits, without figures and calibration; return the run."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    words = ["train", "--model", "softmax-regression", "--epochs", "3", "--no-figures", "--quiet"]
    words += ["--no-calibrate"]
    with pytest.raises(SystemExit):
        app([*words, "--out", str(folder)], prog_name="handgrad")
    return folder
