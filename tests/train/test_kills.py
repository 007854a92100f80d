"""If a process is killed or the disk is full, files are intact and the run can be resumed.

All tests take a few minutes: `python -m pytest -m slow tests/train/test_kills.py`.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.runs import checkpoints, has_checkpoint
from handgrad.train.checkpoint.file import read_checkpoint
from tests.extras import needs

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="it needs to fork")

SMALL = ["--model", "noisy", "--epochs", "2", "--batch", "128", "--no-figures"]
TRAIN = ["train", *SMALL, "--checkpoint-minutes", "1e-9"]
PARTS, INJECTED, RANDOM = 10, 20, 10  # 200 points and 100 times in all
OTHERS = 20  # points in each of the other engines


class Harness:
    """Starts processes that train, and kills them."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.train.killing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        )

    def __call__(self, *words: str, **job: Any) -> dict[str, Any]:
        """Run a command; return its exit status, duration, output and events."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"words": words} | job), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """Stop the process."""
        self.process.communicate()


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    made = Harness()
    yield made
    made.close()


class Undisturbed(dict[str, tuple[Path, dict[str, Any]]]):
    """The uninterrupted run of each engine, which is created when it is first used."""

    def __init__(self, harness: Harness, make_folder: Callable[[str], Path]) -> None:
        self.harness, self.make_folder = harness, make_folder

    def __missing__(self, engine: str) -> tuple[Path, dict[str, Any]]:
        for name in ("first", "run"):  # the first may compile kernels
            folder = self.make_folder(engine) / name
            went = self.harness(*TRAIN, "--engine", engine, "--out", str(folder))
            assert went["status"] == 0, went["output"]
        self[engine] = folder, went
        return self[engine]


@pytest.fixture(scope="module")
def undisturbed(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(harness, tmp_path_factory.mktemp)


def told(run: Path) -> Any:
    history = json.loads((run / "history.json").read_text())
    for record in history["epochs"]:
        del record["seconds"], record["images_per_second"]
    return history


def differences(run: Path, other: Path) -> Iterator[str]:
    """Yield the names in which two finished runs differ."""
    if told(run) != told(other):
        yield "history"
    one, two = (hg.load_model(path / "model.safetensors").network.arrays for path in (run, other))
    yield from (name for name, array in one.items() if not np.array_equal(array, two[name]))


def unreadable(run: Path) -> list[str]:
    """Return the messages of damaged checkpoints."""
    torn = []
    for path in checkpoints(run).glob("checkpoint-*"):
        try:
            read_checkpoint(path)
        except hg.StorageError as error:
            torn.append(str(error))
    return torn


def kill(harness: Harness, run: Path, whole: Path, engine: str, **job: Any) -> dict[str, Any]:
    """Kill a run and resume it; return what went wrong."""
    words = *TRAIN, "--engine", engine, "--out", str(run)
    ended = harness(*words, **job)
    found = {"killed": ended["status"] == -9, "unreadable": unreadable(run), "other": []}
    if (run / "model.safetensors").exists() and not has_checkpoint(run):
        again = {"status": 0}  # it was complete when it was killed
    elif has_checkpoint(run):
        again = harness("train", "-q", "--resume", str(run))
    else:  # it had no checkpoint
        run = run.with_name("anew")
        again = harness(*words[:-1], str(run))
    found["other"] = [again["output"]] if again["status"] else list(differences(run, whole))
    left = [path.name for path in run.rglob(".*")] if not again["status"] else []
    return found | {"left": left}


def judge(found: list[dict[str, Any]]) -> Counter[str]:
    """Count how often each outcome occurs."""
    return Counter(
        "not killed"
        if not f["killed"]
        else "unreadable"
        if f["unreadable"]
        else "another run"
        if f["other"]
        else "files left"
        if f["left"]
        else "the same run"
        for f in found
    )


def points(events: list[str], count: int, seed: int) -> list[int]:
    """Return random events at which to kill, cycling through all kinds of event."""
    rng = random.Random(seed)
    by_kind: dict[str, list[int]] = {}
    for number, kind in enumerate(events):
        by_kind.setdefault(kind, []).append(number)
    for places in by_kind.values():
        rng.shuffle(places)
    chosen: list[int] = []
    while len(chosen) < count:
        chosen += [places.pop() for places in by_kind.values() if places]
    return sorted(rng.sample(chosen, count))


def test_run_killed_at_selected_points_resumes_as_the_same_run(
    harness: Harness, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    whole, went = undisturbed["reference"]
    assert {"after record", "middle of write", "before fsync", "before replace"} <= {
        *went["events"]
    }
    found = [
        kill(harness, tmp_path / f"{at}/run", whole, "reference", at=at)
        for at in points(went["events"], 8, seed=0)
    ]
    assert judge(found) == {"the same run": 8}, found


def test_harness_detects_a_writer_that_is_not_atomic(
    harness: Harness, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    whole, _ = undisturbed["reference"]
    found = [
        kill(
            *(harness, tmp_path / f"{n}/run", whole, "reference"),
            at=["middle of write", n],
            in_place=True,
        )
        for n in (2, 9, 20)
    ]
    assert judge(found) == {"unreadable": 3}, found


def full(harness: Harness, run: Path, whole: Path, event: list[Any]) -> None:
    """Make the disk full from an event on; check the message, and that nothing is lost."""
    words = *TRAIN, "--engine", "reference", "--out", str(run)
    ended = harness(*words, full=event)
    assert ended["status"] == 1, (event, ended["output"])
    last = ended["output"].rstrip().splitlines()[-1]
    assert re.search(rf"^error: {run}/\S+: cannot be written \(File too large\); ", last), last
    assert unreadable(run) == []
    if has_checkpoint(run):
        assert last.endswith(f"to resume from the last checkpoint: handgrad train --resume {run}")
        again = harness("train", "-q", "--resume", str(run))
    else:
        assert not run.exists()
        again = harness(*words)
    assert again["status"] == 0, (event, again["output"])
    assert list(differences(run, whole)) == [], event
    assert not list(run.rglob(".*")), event


def test_run_killed_before_its_first_checkpoint_starts_again(
    harness: Harness, tmp_path: Path
) -> None:
    needs("tensorboardX")
    words = *TRAIN, "--engine", "reference", "--tensorboard", "--out", str(tmp_path / "run")
    assert harness(*words, at=["before write", 1])["status"] == -9
    again = harness(*words)
    assert again["status"] == 0, again["output"]
    assert len(list((tmp_path / "run").glob("events.out.tfevents.*"))) == 1


def writes(events: list[str]) -> list[list[Any]]:
    """Return all events after which something is written."""
    kinds = "before write", "middle of write", "before write_text", "after write_text"
    return [[kind, n + 1] for kind in kinds for n in range(events.count(kind))][:-1]


def test_full_disk_destroys_no_existing_file(
    harness: Harness, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    whole, went = undisturbed["reference"]
    every = writes(went["events"])
    for number in (0, 30, -1):
        full(harness, tmp_path / f"{number}/run", whole, every[number])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_run_killed_at_every_point_resumes_as_the_same_run(
    harness: Harness, undisturbed: dict[str, Any], tmp_path: Path, part: int
) -> None:
    whole, went = undisturbed["reference"]
    every = points(went["events"], PARTS * INJECTED, seed=1)
    found = [
        kill(harness, tmp_path / f"{at}/run", whole, "reference", at=at)
        for at in every[part::PARTS]
    ]
    assert judge(found) == {"the same run": INJECTED}, found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_killed_run_of_other_engines_resumes(
    harness: Harness, undisturbed: dict[str, Any], tmp_path: Path, engine: str, part: int
) -> None:
    if engine == "torch":
        needs("torch")
    whole, went = undisturbed[engine]
    found = [
        kill(harness, tmp_path / f"{at}/run", whole, engine, at=at)
        for at in points(went["events"], OTHERS, seed=2)[part::2]
    ]
    assert judge(found) == {"the same run": OTHERS // 2}, found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_run_killed_at_any_time_resumes(
    harness: Harness, undisturbed: dict[str, Any], tmp_path: Path, part: int
) -> None:
    rng = random.Random(part)
    found: list[dict[str, Any]] = []
    for number in range(10 * RANDOM):
        engine = rng.choice(["reference", "compiled"])
        whole, went = undisturbed[engine]
        after = rng.uniform(0, went["seconds"])
        one = kill(harness, tmp_path / f"{number}/run", whole, engine, after=after)
        assert one["killed"] or not one["other"]
        found += [one] if one["killed"] else []  # if the run was already complete, draw again
        if len(found) == RANDOM:
            break
    assert judge(found) == {"the same run": RANDOM}, found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_disk_full_at_each_write(
    harness: Harness, undisturbed: dict[str, Any], tmp_path: Path, part: int
) -> None:
    whole, went = undisturbed["reference"]
    for number, event in enumerate(writes(went["events"])[part::PARTS]):
        full(harness, tmp_path / f"{number}/run", whole, event)
