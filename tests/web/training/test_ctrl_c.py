"""Ctrl-C ends `handgrad open` while it trains, and leaves no process behind."""

import json
import random
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from handgrad.runs import has_checkpoint
from handgrad.web.guard import TOKEN_HEADER
from tests.web.training.jobs import QUICK

OPEN = [sys.executable, "-m", "handgrad", "open", "--no-browser"]
LONG = QUICK | {"epochs": "1000000", "patience": "0"}


def children_of(pid: int) -> set[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in found for child in path.read_text().split()}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
def test_ctrl_c_at_random_moments_ends_in_two_seconds_and_leaves_no_process(tmp_path):
    rng = random.Random(0)
    resumable = 0
    for _ in range(12):
        with subprocess.Popen(
            OPEN, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            url = urlsplit(server.stdout.readline())
            token = url.fragment.strip().removeprefix("token=")
            connection = HTTPConnection("127.0.0.1", url.port, timeout=20)
            headers = {TOKEN_HEADER: token, "content-type": "application/json"}
            body = json.dumps({"settings": LONG})
            connection.request("POST", "/api/train/start", body, headers)
            assert connection.getresponse().status == 200
            connection.close()
            time.sleep(rng.uniform(0, 6))
            (child,) = children_of(server.pid)
            server.send_signal(signal.SIGINT)
            begun = time.monotonic()
            assert server.wait(10) == 130
            assert time.monotonic() - begun < 2
        assert not is_alive(child)
    for run in (tmp_path / "runs").glob("*"):
        assert not (run / "model.safetensors").exists()
        resumable += has_checkpoint(run)
    assert resumable > 3
