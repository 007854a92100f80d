"""After any edit of a checkpoint, the run completes or fails with a one-sentence error."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from tests.extras import needs
from tests.train.blobs import blobs, small_net
from tests.train.interrupted import signalled
from tests.train.tampered import Edit, edit, edits_of_arrays, edits_of_fields, read

STEPS = 7  # steps done: an epoch of 4 steps, and 3 more


def fit(folder: Path, **options: Any) -> hg.Network:
    """Train a small network whose checkpoints have all parts, for at most 50 slices."""
    looks: list[float] = []

    def look(made: float) -> None:
        looks.append(made)
        assert len(looks) < 50, "it does not end"

    net = small_net(blobs())
    options = {"engine": "reference", "optimizer": hg.Adam(0.01), "average_weights": 1.0} | options
    options = {"checkpoint": folder} | options
    hg.fit(net, blobs(), epochs=3, batch_size=24, on_progress=look, **options)
    return net


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the newest checkpoint of a run that was interrupted in its second epoch."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        signalled(patch, STEPS - 1)
        with pytest.raises(KeyboardInterrupt):
            fit(folder)
    newest = max(folder.glob("checkpoint-*"))
    content, named = read(newest)
    assert (content["state"]["steps"], named["epoch/losses"].shape) == (STEPS, (STEPS - 4,))
    return newest


def outcome(stopped: Path, folder: Path, change: Edit, **options: Any) -> str:
    """Resume a run whose only checkpoint was edited; return the error message, if any."""
    folder.mkdir()
    file = folder / stopped.name
    shutil.copy(stopped, file)
    edit(file, change)
    try:
        net = fit(folder, resume=True, **options)
    except hg.HandgradError as error:
        sentence = str(error)
        assert str(folder) in sentence, sentence
        assert len(sentence) < 2000
        assert "\n" not in sentence
        return sentence.replace(str(file), "FILE")
    assert all(np.isfinite(array).all() for array in net.arrays.values())
    return ""


def test_every_edited_field_is_refused_or_harmless(stopped: Path, tmp_path: Path) -> None:
    changes = list(edits_of_fields(read(stopped)[0]))
    assert len(changes) > 400
    harmless = {
        name
        for number, (name, change) in enumerate(changes)
        if not outcome(stopped, tmp_path / f"{number}", change)
    }
    free = ("about.run.", "state.records.0.", "state.seconds 0.5")
    assert {name for name in harmless if not name.startswith(free)} == set()


@pytest.mark.parametrize(
    ("part", "field", "value", "sentence"),
    [
        ("state", "steps", -5, "steps must be a whole number from 0 to 9007199254740992, not -5"),
        ("state", "steps", np.inf, "steps must be a whole number from 0 to .*, not inf"),
        (
            "state",
            "steps",
            10**9,
            r"its step count is 1,000,000,000, but it has results of 1 x 4 \+ 3 steps",
        ),
        (
            "state",
            "lr_halvings",
            -2000,
            "lr_halvings must be a whole number from 0 to 3, not -2000",
        ),
        ("state", "records", [[1, 2]], r"record 1 is \[1, 2\]"),
        ("state", "seconds", 0.0, "seconds is 0.0, which is invalid for 3 steps"),
        ("about", "run", [1], r"has no fingerprint of its run \(run is \[1\]\)"),
    ],
)
def test_message_says_what_is_wrong(
    part: str, field: str, value: Any, sentence: str, stopped: Path, tmp_path: Path
) -> None:
    def change(content: Any, _: Any) -> None:
        content[part][field] = value

    said = outcome(stopped, tmp_path / "run", change)
    assert re.match(rf"FILE: .*{sentence}", said), said


def test_more_losses_than_an_epoch_has_steps_are_refused(stopped: Path, tmp_path: Path) -> None:
    def change(content: Any, named: dict[str, Any]) -> None:
        named |= {"epoch/losses": np.ones(9999), "epoch/correct": np.ones(9999, np.int64)}
        content["state"]["steps"] = 4 + 9999

    sentence = (
        "FILE: its step count is 10,003, but it has results of 1 x 4 + 9,999 steps; "
        "start the run again"
    )
    assert outcome(stopped, tmp_path / "run", change) == sentence


def test_every_edited_array_is_refused_or_harmless(stopped: Path, tmp_path: Path) -> None:
    changes = list(edits_of_arrays(read(stopped)[1]))
    assert len(changes) > 200
    for number, (name, change) in enumerate(changes):
        assert outcome(stopped, tmp_path / f"{number}", change), name


@pytest.mark.parametrize("engine", ["compiled", "torch:cpu"])
def test_other_engines_refuse_edited_arrays(engine: str, stopped: Path, tmp_path: Path) -> None:
    if engine == "compiled":
        pytest.importorskip("numba")
    else:
        needs("torch")

    def one(_: Any, named: dict[str, Any]) -> None:
        named["optimizer_state/mean/1.weight"] = np.zeros(1, np.float32)

    folder = tmp_path / "run"
    other = hg.CheckpointConfig(folder, allow_changes=True)
    sentence = outcome(stopped, folder, one, engine=engine, checkpoint=other)
    assert sentence.startswith(
        "FILE: array optimizer_state/mean/1.weight has shape (1,), but must be "
    )
