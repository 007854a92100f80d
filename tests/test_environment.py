"""A poor environment: nobody's account, no home to write to, no network, a full disk."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NOBODY = "65534"
UNKEPT = "handgrad: compiled kernels cannot be kept "

posix = pytest.mark.skipif(os.name != "posix", reason="accounts and limits are others here")


def as_nobody() -> list[str]:
    """Return what starts a command as a user without rights, and without a network."""
    if (
        os.name != "posix"
        or os.getuid()
        or not (shutil.which("setpriv") and shutil.which("unshare"))
    ):
        pytest.skip("it takes root, setpriv and unshare to become nobody without a network")
    reading = "-all"
    if not all(p.stat().st_mode & 1 for p in Path(sys.executable).resolve().parents):
        reading += ",+dac_read_search"  # this Python lies in root's own folder
    accounts = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
    rights = ["--inh-caps", reading, "--ambient-caps", reading]
    return ["unshare", "--net", "setpriv", *accounts, *rights]


def clean(**others: str) -> dict[str, str]:
    """Return an environment that says nothing of this machine's places."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", **others}


@pytest.mark.slow
@pytest.mark.parametrize("home", ["read-only", "unset"])
def test_nobody_without_home_and_network_imports_trains_and_predicts(
    home: str, tmp_path: Path
) -> None:
    prefix = as_nobody()
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    (tmp_path / "work").mkdir(mode=0o777)
    (tmp_path / "work").chmod(0o777)
    (tmp_path / "home").mkdir(mode=0o555)
    environment = clean(**({"HOME": str(tmp_path / "home")} if home == "read-only" else {}))

    def handgrad(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*prefix, sys.executable, "-m", "handgrad", *words],
            cwd=tmp_path / "work",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    trained = handgrad("train", "--epochs", "3", "--model", "softmax-regression", "--out", "run")
    assert trained.returncode == 0, trained.stderr
    assert trained.stderr.count(UNKEPT) == 1
    assert "Matplotlib" not in trained.stderr
    assert len(list((tmp_path / "work/run/figures").iterdir())) >= 5
    for words in (["evaluate", "run"], ["predict", "run", "0", "1"], ["data", "list"]):
        ended = handgrad(*words)
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in ended.stderr
    ended = handgrad("train", "mnist")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert list((tmp_path / "home").iterdir()) == []
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["run"]
