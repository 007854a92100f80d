"""handgrad works without permissions, a writable home, a network or free disk space."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NOBODY = "65534"
UNKEPT = "handgrad: compiled kernels cannot be cached "

posix = pytest.mark.skipif(os.name != "posix", reason="this system has other accounts and limits")


def as_nobody() -> list[str]:
    """Return a command prefix that drops all rights and the network."""
    if (
        os.name != "posix"
        or os.getuid()
        or not (shutil.which("setpriv") and shutil.which("unshare"))
    ):
        pytest.skip("this test needs root, setpriv and unshare")
    reading = "-all"
    if not all(p.stat().st_mode & 1 for p in Path(sys.executable).resolve().parents):
        reading += ",+dac_read_search"  # this Python is in root's home
    accounts = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
    rights = ["--inh-caps", reading, "--ambient-caps", reading]
    return ["unshare", "--net", "setpriv", *accounts, *rights]


def clean(**others: str) -> dict[str, str]:
    """Return an environment without this machine's folders."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", **others}


@pytest.mark.slow
@pytest.mark.parametrize("home", ["read-only", "unset"])
def test_user_without_home_and_network_trains_and_predicts(home: str, tmp_path: Path) -> None:
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


@posix
@pytest.mark.parametrize("room", [100, 9000])
def test_full_disk_gives_a_one_sentence_error_and_existing_files_are_intact(
    room: int, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource")
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "model.safetensors").write_bytes(b"precious")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    words = ["train", "--model", "softmax-regression", "--engine", "reference", "--epochs", "1"]
    ended = subprocess.run(
        [sys.executable, "-m", "handgrad", *words, "--no-figures", "--out", "before/run"],
        cwd=tmp_path,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    sentences = [line for line in ended.stderr.splitlines() if line.startswith("error: before/run")]
    assert len(sentences) == 1, ended.stderr
    assert "(File too large)" in sentences[0]
    assert "Traceback" not in ended.stderr
    assert [path.name for path in (tmp_path / "before").iterdir()] == ["model.safetensors"]
    assert (tmp_path / "before" / "model.safetensors").read_bytes() == b"precious"


COMPILED = """
from handgrad.engines.compiled.jit.compiler import Kernel, addresses
kernels = [Kernel("chain.copy"), Kernel("dense.forward", (("ROWS", 3),))]
print(len(addresses(kernels)))
"""


def test_processes_can_fill_one_cache_at_the_same_time(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COMPILED]
    environment = {**os.environ, "HANDGRAD_CACHE": str(tmp_path)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, env=environment, **streams) for _ in range(2)]
    for process in processes:
        assert process.communicate()[0] == "2\n"
        assert process.returncode == 0
    (folder,) = (tmp_path / "kernels").iterdir()
    assert sorted(p.name for p in folder.iterdir()) == ["chain_copy.o", "dense_forward_ROWS3.o"]
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (again.stdout, again.stderr) == ("2\n", "")
