"""Commands that find a pipe instead of a file report an error and do not block."""

import os
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.data.formats.idx import read_idx
from handgrad.runs import checkpoints
from tests.data.inspect.test_checks import folder

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="it needs pipes")

WHAT = "not a file but a pipe, a socket or a device"


def pipe(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


def test_pipe_among_images_is_reported_as_unreadable(handgrad, tmp_path):
    root = folder(tmp_path / "images")
    named = pipe(root / "train/a/pipe.png")
    ended = handgrad("train", root, "--epochs", "1")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        f"error: images: 1 of 31 images cannot be read: {named} ({WHAT}); repair or remove them "
        "(`handgrad train` and `auto` leave them out with --skip-broken, and load_data with "
        "skip_broken=True)\n"
    )
    ended = handgrad("data", "check", root)
    assert ended.status == 1
    assert "1 file cannot be read as an image" in ended.out
    assert f"    {named}\n" in ended.out


@pytest.mark.parametrize("name", ["metadata.csv", "table.csv", "arrays.npz", "one.png"])
@pytest.mark.parametrize("command", ["train", "data check"])
def test_pipe_instead_of_a_table_or_arrays_gives_a_one_sentence_error(
    handgrad, tmp_path, name, command
):
    root = folder(tmp_path / "images")
    place = pipe(root / name)
    ended = handgrad(*command.split(), root if name == "metadata.csv" else place)
    assert (ended.status, ended.out) == (1, "")
    known = f"{place} cannot be read ({WHAT})" if name == "metadata.csv" else f"{place}"
    assert known in ended.err
    assert ended.err.count("\n") == 1


def test_pipe_instead_of_idx_files_gives_a_one_sentence_error(tmp_path):
    place = pipe(tmp_path / "train-images-idx3-ubyte")
    with pytest.raises(hg.DataError, match=rf"{place}: cannot be read \({WHAT}\)"):
        read_idx(place)


def test_pipe_as_settings_model_or_image_gives_a_one_sentence_error(handgrad, tmp_path, trained):
    place = pipe(tmp_path / "pipe")
    ended = handgrad("train", "--config", place)
    assert ended.err == (f"error: {place} cannot be read ({WHAT}); give the path of a TOML file\n")
    ended = handgrad("predict", trained, place)
    assert ended.err == f"error: {place}: cannot be read ({WHAT}); give another file\n"
    ended = handgrad("evaluate", place)
    assert ended.err.startswith(f"error: {place} cannot be read ({WHAT}); give the folder of a run")
    with pytest.raises(hg.ModelError, match="there is no such file"):
        hg.load_model(place)


def test_pipe_as_a_checkpoint_gives_a_one_sentence_error(handgrad, tmp_path):
    run = tmp_path / "run"
    place = pipe(checkpoints(run) / "checkpoint-000001.safetensors")
    ended = handgrad("train", "--resume", run)
    assert (ended.status, ended.err) == (
        1,
        f"error: {place}: damaged ({WHAT}). There is no other checkpoint; start the run again\n",
    )


def test_pipe_beside_an_intact_checkpoint_is_skipped(tmp_path):
    data, _ = hg.load_data("digits")
    arguments = {"epochs": 2, "checkpoint": tmp_path, "engine": "reference"}
    net = hg.Network(hg.models.softmax_regression(), data.shape, len(data.classes))
    next(hg.epochs(net, data, **arguments))
    newest = max(tmp_path.glob("checkpoint-*"))
    place = pipe(newest.with_name("checkpoint-000009.safetensors"))
    hg.fit(net, data, **arguments, resume=True)
    assert not place.exists()
    assert np.isfinite(net.arrays["1.weight"]).all()
