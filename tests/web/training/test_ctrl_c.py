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

from handgrad.runs import find_checkpoint, has_checkpoint
from handgrad.web.guard import TOKEN_HEADER
from tests.web.training.jobs import QUICK

OPEN = [sys.executable, "-m", "handgrad", "open", "--no-browser"]
MOMENTS = 100
LONG = QUICK | {"epochs": "1000000", "patience": "0"}


def children_of(pid: int) -> set[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in found for child in path.read_text().split()}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def start_training(url: str) -> None:
    """Start a long run through the page's endpoint, and return as soon as it is accepted."""
    address = urlsplit(url)
    token = address.fragment.strip().removeprefix("token=")
    connection = HTTPConnection("127.0.0.1", address.port, timeout=20)
    headers = {TOKEN_HEADER: token, "content-type": "application/json"}
    body = json.dumps({"settings": LONG})
    connection.request("POST", "/api/train/start", body, headers)
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
def test_a_hundred_ctrl_c_end_in_two_seconds_leave_no_process_and_every_run_can_be_resumed(
    tmp_path,
):
    rng = random.Random(0)
    longest = 0.0
    for number in range(MOMENTS):
        with subprocess.Popen(
            OPEN, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            children = set()
            if number % 4:  # while it trains
                start_training(server.stdout.readline())
                time.sleep(rng.uniform(0, 5))
                children = children_of(server.pid)
            else:  # while it starts, or shows the page
                time.sleep(rng.uniform(0, 2))
            server.send_signal(signal.SIGINT)
            begun = time.monotonic()
            status = server.wait(10)
            longest = max(longest, time.monotonic() - begun)
            # Python itself ends with the signal until the command has begun.
            assert status == 130 or (number % 4 == 0 and status in (1, -signal.SIGINT)), status
        assert not [child for child in children if is_alive(child)]
    print(f"the longest of {MOMENTS} took {longest:.2f} s")
    assert longest < 2
    runs = sorted((tmp_path / "runs").glob("*"))
    assert len(runs) > MOMENTS / 4
    for number, run in enumerate(runs):
        assert has_checkpoint(run)
        epochs = len(find_checkpoint(run).state.records) + 1
        if number % 10 == 0:
            command = ["train", "-q", "--resume", str(run), "--epochs", str(epochs)]
            subprocess.run(
                [sys.executable, "-m", "handgrad", *command, "--force-settings"],
                check=True,
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
            )
            assert (run / "model.safetensors").exists()
