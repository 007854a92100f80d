"""The process that trains for the page: its commands and events, without a browser."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from handgrad.errors import ConfigError
from handgrad.runs import has_checkpoint
from handgrad.web.training.job import Slot
from tests.web.training.jobs import (
    CHILD,
    QUICK,
    STEPS,
    assert_same_weights,
    events_end,
    phase_is,
    start,  # noqa: F401 (a fixture)
    step_is,
    until,
)

RUN = Path("runs/digits-softmax-regression-1")


def command_line(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "handgrad", "train", "-q", *words], check=True)


def train_undisturbed(**changes: str) -> Path:
    settings = QUICK | changes
    command_line("--model", settings["model"], "--epochs", "3", "--no-figures", "--out", "plain")
    return Path("plain")


def test_steps_are_counted_exactly_and_the_resumed_run_equals_an_undisturbed_one(start):  # noqa: F811
    job = start(paused=True)
    until(job, phase_is("paused"))
    assert job.state()["points"] == []
    for number in (1, 2, 3):
        job.send({"do": "step"})
        until(job, step_is(number))
    for _ in range(20):  # the commands of an impatient person are not lost; an epoch ends meanwhile
        job.send({"do": "step"})
    until(job, step_is(23))
    state = job.state()
    assert [point["step"] for point in state["points"]] == list(range(1, 24))
    assert [record["number"] for record in state["epochs"]] == [1]
    assert phase_is("paused")(state)
    job.send({"do": "continue"})
    until(job, lambda state: state["points"][-1]["step"] > 23)
    job.send({"do": "stop"})
    state = events_end(job)
    if state["phase"]["phase"] != "finished":
        assert state["phase"] == {"phase": "stopped"}
        assert state["checkpoint"] == {"resumable": True}
        command_line("--resume", str(RUN))
    assert_same_weights(RUN, train_undisturbed())


@pytest.mark.slow
def test_the_events_equal_the_files_of_the_run(start):  # noqa: F811
    job = start()
    until(job, phase_is("finished"))
    state = events_end(job)
    history = json.loads((RUN / "history.json").read_text())
    assert state["epochs"] == history["epochs"]
    assert state["points"][-1]["step"] == STEPS
    assert state["points"][-1]["epoch"] == 3
    from handgrad.classifier import read_bundle

    scores = read_bundle(RUN / "model.safetensors").about["scores"]
    assert state["result"]["test_accuracy"] == scores["test_accuracy"]
    assert not has_checkpoint(RUN)
    assert_same_weights(RUN, train_undisturbed())


def test_settings_change_while_it_runs_if_they_may(start):  # noqa: F811
    job = start({"optimizer": "momentum", "schedule": "constant"}, paused=True)
    until(job, phase_is("paused"))
    job.send({"do": "step"})
    until(job, step_is(1))
    assert job.state()["points"][-1]["lr"] == 0.05
    job.send({"do": "change", "settings": {"lr": "0.02"}})
    until(job, lambda state: state["run"]["settings"]["lr"] == 0.02)
    job.send({"do": "step"})
    until(job, step_is(2))
    assert job.state()["points"][-1]["lr"] == 0.02
    for settings, words in [
        ({"optimizer": "adam"}, "the optimizer's state was velocity and is now mean, square"),
        ({"seed": "7"}, "seed was 0 and is now 7"),
        ({"lr": "-1"}, "lr must be above 0"),
        ({"momentum": "x"}, "momentum must be a number"),
    ]:
        count = len(job.state()["notes"])
        job.send({"do": "change", "settings": settings})
        until(job, lambda state, count=count: len(state["notes"]) > count)
        assert words in job.state()["notes"][-1]["text"]
    job.send({"do": "step"})
    until(job, step_is(3))
    assert job.state()["run"]["settings"]["optimizer"] == "momentum"
    job.close()
    command_line("--resume", str(RUN))
    assert "lr = 0.02" in (RUN / "config.toml").read_text()


def test_a_second_start_is_refused(start):  # noqa: F811
    del start
    slot = Slot("a training run")
    try:
        slot.start(CHILD, {"do": "start", "settings": QUICK, "paused": True})
        with pytest.raises(ConfigError, match="is in progress; stop it before you start another"):
            slot.start(CHILD, {"do": "start", "settings": QUICK})
    finally:
        slot.close()
    assert not slot.job.is_running
    with pytest.raises(ConfigError, match="must be in progress"):
        slot.running()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "words"),
    [({"lr": "none"}, "lr must be a number"), ({"model": "lenet5"}, "cannot take the images")],
)
def test_a_run_that_cannot_start_gives_one_sentence_and_leaves_nothing(start, settings, words):  # noqa: F811
    state = events_end(start(settings))
    assert state["phase"]["phase"] == "failed"
    assert words in state["phase"]["text"]
    assert not list(Path().iterdir())


@pytest.mark.slow
def test_a_run_that_diverges_says_so_and_its_remedy_helps(start):  # noqa: F811
    settings = {"model": "two-layer", "optimizer": "sgd", "lr": "1e15", "schedule": "constant"}
    state = events_end(start(settings))
    assert state["phase"]["phase"] == "failed"
    (hint,) = state["hints"]["hints"]
    assert hint["name"] == "diverged"
    assert hint["remedy"] in ({"lr": 5e14}, {"lr": 1e14})
    assert state["checkpoint"]["resumable"]
    folder = state["run"]["folder"]
    state = events_end(start({"lr": "0.3"}, do="resume", folder=folder))
    assert state["phase"] == {"phase": "finished"}
    assert state["result"]["folder"] == folder


SERVER = """
import sys
from handgrad.web.training.job import ProcessJob
from tests.web.training.jobs import CHILD, QUICK, until
job = ProcessJob(CHILD, {"do": "start", "settings": QUICK | {"epochs": "100000", "patience": "0"}})
until(job, lambda state: state["points"])
print(job.pid, flush=True)
sys.stdin.read()
"""


def test_if_the_server_is_killed_the_process_ends_and_the_run_can_be_resumed(tmp_path):
    root = Path(__file__).parents[3]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        pid = int(server.stdout.readline())
        server.kill()
        server.wait()
    end = time.monotonic() + 20
    while is_alive(pid):
        time.sleep(0.02)
        assert time.monotonic() < end
    assert has_checkpoint(tmp_path / RUN)


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended but was not awaited does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_ended_process_leaves_a_run_that_can_be_resumed(start, number):  # noqa: F811
    job = start({"epochs": "100000", "patience": "0"})
    until(job, lambda state: state["epochs"])
    os.kill(job.pid, number)
    state = events_end(job)
    assert state["phase"]["phase"] == ("stopped" if number == signal.SIGTERM else "failed")
    assert has_checkpoint(RUN)
    command_line("--resume", str(RUN), "--epochs", "4", "--force-settings")
    assert (RUN / "model.safetensors").exists()


@pytest.mark.slow
def test_a_job_ends_in_time_at_random_moments(start):  # noqa: F811
    """The run is gone, complete, or can be resumed."""
    rng = random.Random(1)
    for number in range(1, 16):
        job = start({"epochs": "100000", "patience": "0"})
        time.sleep(rng.uniform(0, 4))
        begun = time.monotonic()
        job.close()
        assert time.monotonic() - begun < 2
        assert not is_alive(job.pid)
        folder = Path(f"runs/digits-softmax-regression-{number}")
        if not has_checkpoint(folder):
            assert not (folder / "model.safetensors").exists()
            folder.mkdir(parents=True, exist_ok=True)  # so that the next number is new
            (folder / "used").touch()
            continue
        command_line("--resume", str(folder), "--epochs", "1", "--force-settings")


def test_no_event_contains_an_absolute_path(start, tmp_path):  # noqa: F811
    folder = tmp_path / "own"
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
    (folder / "a" / "broken.png").write_bytes(b"not an image")
    state = events_end(start({"data": str(folder)}))
    assert state["phase"]["phase"] == "failed"
    assert str(tmp_path) not in json.dumps(state)
    assert "own" in state["phase"]["text"]
