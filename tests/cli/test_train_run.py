import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.runs import checkpoints, has_checkpoint
from handgrad.runs.settings import begun_with, configure
from tests.train.interrupted import signalled
from tests.train.tampered import edit

QUICK = ["--model", "softmax-regression", "--epochs", "3", "--no-figures"]
RUN = "runs/digits-softmax-regression-1"


def stop(handgrad, *words, step=30, number=signal.SIGINT):
    with pytest.MonkeyPatch.context() as patch:
        signalled(patch, step, number)
        return handgrad("train", *words)


def told(run=RUN):
    history = json.loads(Path(run, "history.json").read_text())
    for record in history["epochs"]:
        del record["seconds"], record["images_per_second"]
    return history


def assert_same_run(one, other):
    assert told(one) == told(other)
    first, second = (hg.load_model(Path(run, "model.safetensors")).arrays for run in (one, other))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_says_how_to_go_on_and_the_run_goes_on_as_it_was(handgrad, number, status):
    ended = stop(handgrad, *QUICK, number=number)
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.splitlines()[-1] == (
        f"error: interrupted; to go on: handgrad train --resume {RUN}"
    )
    assert not Path(RUN, "model.safetensors").exists()
    ended = handgrad("train", "--resume", RUN)
    assert ended.status == 0
    assert "going on after 1 of 3 epochs, 31 steps\n" in ended.err
    assert "epoch 1/3" not in ended.err
    assert ended.out.splitlines()[1] == f"run in {RUN}"
    assert not checkpoints(Path(RUN)).exists()
    handgrad("train", *QUICK, "-q", "--out", "undisturbed")
    assert_same_run(RUN, "undisturbed")


CUT_OFF = """
import signal
from handgrad import train as training
from handgrad.cli import main

def fit(*_, checkpoint, **__):
    checkpoint.folder.joinpath("checkpoint-000001.safetensors").write_text("x")
    try:
        signal.raise_signal(signal.SIGINT)
    except BaseException:
        signal.raise_signal(signal.SIGINT)

training.fit = fit
main()
"""


def test_a_run_that_is_cut_off_says_how_to_go_on_too():
    command = [sys.executable, "-c", CUT_OFF, "train", *QUICK]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stderr.splitlines()[-1] == (
        f"error: interrupted; to go on: handgrad train --resume {RUN}"
    )
    assert ended.returncode == 128 + signal.SIGINT


def test_a_run_that_is_stopped_where_it_is_written_ends_later(handgrad, monkeypatch):
    def fail(*_):
        raise hg.StorageError("the disk is full; make room")

    with monkeypatch.context() as patch:
        patch.setattr("handgrad.runs.run._write_history", fail)
        ended = handgrad("train", *QUICK)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == (
        "error: the disk is full; make room; to go on from the last checkpoint: "
        f"handgrad train --resume {RUN}"
    )
    assert handgrad("train", "-q", "--resume", RUN).status == 0
    assert len(told()["epochs"]) == 3
    ended = handgrad("train", "--resume", RUN)
    assert ended.status == 2
    assert "is finished, there is nothing to go on with" in ended.err


def test_before_the_first_step_there_is_nothing_to_go_on_with(handgrad, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("handgrad.runs.config.Config.network", stop)
    ended = handgrad("train", *QUICK)
    assert (ended.status, ended.err) == (130, "error: interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "--lr 0.5 --epochs 4",
            "was begun with epochs 3, lr 0.01, not epochs 4, lr 0.5; leave that out, or add "
            "--force-settings to go on with it",
        ),
        ("--class-weights balanced", "with class_weights none, not class_weights balanced"),
        ("--engine torch --device cpu", "engine auto, no device, not engine torch, device cpu"),
        ("--seed 1", "seed 0, which cannot be changed any more; leave it out, or begin a new"),
        ("--batch 32 --force-settings", "batch_size 64, which cannot be changed any more"),
        ("--out other", f"a run that goes on stays where it is, in {RUN}; leave out --out"),
    ],
)
def test_other_settings_are_said_and_refused(handgrad, words, sentence):
    stop(handgrad, *QUICK)
    ended = handgrad("train", "--resume", RUN, *words.split())
    assert ended.status == 2
    assert sentence in ended.err
    assert has_checkpoint(Path(RUN))


def test_told_so_it_goes_on_with_other_settings(handgrad):
    stop(handgrad, *QUICK)
    words = ["--epochs", "5", "--lr", "0.02", "--optimizer", "adam", "--force-settings"]
    assert handgrad("train", "-q", "--resume", RUN, *words).status == 0
    assert len(told()["epochs"]) == 5
    about = hg.bundle.about_model(Path(RUN, "model.safetensors"))
    assert (about["config"]["lr"], about["config"]["optimizer"]) == (0.02, "adam")


def test_settings_that_change_no_number_may_change(handgrad):
    stop(handgrad, *QUICK)
    words = ["--checkpoint-minutes", "3", "--on-divergence", "lower-lr", "--epochs", "3"]
    assert handgrad("train", "-q", "--resume", RUN, *words).status == 0


def test_what_is_no_run_is_refused(handgrad):
    ended = handgrad("train", "--resume", "nothing")
    assert ended.status == 2
    assert "nothing is no run that was stopped: there is no checkpoint in it" in ended.err


def test_a_damaged_checkpoint_is_said_once_and_the_one_before_taken(handgrad, caplog):
    stop(handgrad, *QUICK)
    *_, newest = sorted(checkpoints(Path(RUN)).glob("*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:-100])
    ended = handgrad("train", "--resume", RUN)
    assert ended.status == 0
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        f"handgrad: {newest}: not a whole file"
    ]
    handgrad("train", *QUICK, "-q", "--out", "undisturbed")
    assert_same_run(RUN, "undisturbed")


def changed(change):
    """Change all checkpoints of the run, each with the digest that belongs to it."""
    for path in checkpoints(Path(RUN)).glob("*.safetensors"):
        edit(path, lambda content, _: change(content["about"]))


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ([1, 2], "holds [1, 2] in place of settings"),
        (None, "holds None in place of settings"),
        ({"epochs": "rm -rf"}, "epochs must be a whole number, not 'rm -rf' (in it)"),
        (
            {"optimizer": []},
            "optimizer must be one of sgd, momentum, nesterov, adam, adamw, not []",
        ),
        ({"evil": 1}, "there is no setting 'evil'"),
    ],
)
def test_settings_that_somebody_edited_are_one_sentence(handgrad, config, sentence):
    stop(handgrad, *QUICK)
    changed(lambda about: about.update(config=config))
    ended = handgrad("train", "--resume", RUN)
    assert (ended.status, ended.out) == (1, "")
    newest = max(checkpoints(Path(RUN)).glob("*.safetensors"))
    assert ended.err.startswith(f"error: {newest}: {sentence}"), ended.err
    assert ended.err.count("\n") == 1


def test_each_damaged_checkpoint_is_named_where_none_is_whole(handgrad):
    stop(handgrad, *QUICK)
    changed(lambda about: about.pop("run"))
    ended = handgrad("train", "--resume", RUN)
    assert (ended.status, ended.err.count("\n")) == (1, 1)
    for path in checkpoints(Path(RUN)).glob("*.safetensors"):
        assert f"{path}: it does not say what run it is of (run is None)" in ended.err
    assert ended.err.endswith(", and there is no other; begin the run anew\n")


def test_a_checkpoint_of_another_network_does_not_say_to_go_on_from_it(handgrad):
    stop(handgrad, *QUICK)
    for path in checkpoints(Path(RUN)).glob("*.safetensors"):
        edit(path, lambda _, named: named.update({"best/1.bias": np.zeros(1, np.float32)}))
    ended = handgrad("train", "--resume", RUN)
    assert ended.status == 1
    newest = max(checkpoints(Path(RUN)).glob("*.safetensors"))
    last = ended.err.splitlines()[-1]
    assert last == f"error: {newest}: array best/1.bias is (1,), must be (10,)"


@pytest.mark.parametrize("below", ["", "checkpoints"])
def test_a_run_begun_in_python_goes_on_there(handgrad, below):
    data, _ = hg.load_data("digits")
    net = hg.Network(hg.models.softmax_regression(), data.shape, data.classes)
    place = Path("mine", below)
    next(hg.epochs(net, data, epochs=3, checkpoint=place, engine="reference"))
    ended = handgrad("train", "--resume", "mine")
    newest = max(place.glob("*.safetensors"))
    assert (ended.status, ended.err) == (
        1,
        f"error: {newest}: holds no settings, for the run was begun in Python; go on there: "
        f"hg.fit(..., checkpoint={str(place)!r}, resume=True)\n",
    )


def test_the_folder_of_the_checkpoints_is_not_the_run(handgrad):
    stop(handgrad, *QUICK)
    ended = handgrad("train", "--resume", f"{RUN}/checkpoints")
    assert ended.status == 2
    assert ended.err == f"error: {RUN}/checkpoints holds the checkpoints of a run; give {RUN}\n"


def test_divergence_keeps_the_last_checkpoint_and_names_the_cure(handgrad):
    words = ["--model", "two-layer", "--no-figures", "--optimizer", "sgd", "--lr", "1e30"]
    ended = handgrad("train", *words)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].endswith(
        "to go on from the last checkpoint: handgrad train --resume runs/digits-two-layer-1 "
        "--on-divergence lower-lr"
    )
    assert has_checkpoint(Path("runs/digits-two-layer-1"))


def test_a_rate_that_is_too_high_is_halved(handgrad, caplog):
    words = "--model two-layer --epochs 3 --no-figures --optimizer sgd --schedule constant"
    ended = handgrad("train", *words.split(), "--lr", "1e20", "--on-divergence", "lower-lr")
    assert ended.status == 1
    assert [message[-40:] for message in caplog.messages] == [
        f"with half the learning rate ({k} of 3 times)"[-40:] for k in (1, 2, 3)
    ]


def grow(_, named):
    for name in named:
        if name.startswith("arrays/"):
            named[name] = np.full_like(named[name], 3e38)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid:RuntimeWarning")
def test_where_a_checkpoint_has_grown_too_large_the_run_is_to_begin_anew(handgrad):
    stop(handgrad, *QUICK, "--lr", "0.5")
    for path in checkpoints(Path(RUN)).glob("*.safetensors"):
        edit(path, grow)
    ended = handgrad("train", "--resume", RUN, "--on-divergence", "lower-lr")
    assert ended.status == 1
    assert ended.err.rstrip().endswith(
        "; the numbers in the last checkpoint are too large already to go on from; begin anew, "
        "with --lr 0.031"
    )


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # numbers are as large as can be
def test_after_three_halvings_a_lower_rate_is_named_that_goes_on(handgrad):
    words = [*QUICK, "--no-calibrate", "--optimizer", "sgd", "--schedule", "constant"]
    ended = handgrad("train", *words, "--lr", "3.4e38", "--on-divergence", "lower-lr")
    lrs = [3.4e38]
    while ended.status and len(lrs) < 4:
        assert ended.status == 1
        *_, command = ended.err.rstrip().split("; to go on from the last checkpoint: ")
        wanted = rf"handgrad train --resume {RUN} --lr (\S+) --force-settings"
        lrs.append(float(re.fullmatch(wanted, command)[1]))
        assert lrs[-1] == pytest.approx(lrs[-2] / 16, rel=0.05)
        ended = handgrad(*command.split()[1:])
    assert ended.status == 0, ended.err
    assert len(lrs) > 1
    assert told()["epochs"][-1]["rate"] in [lrs[-1] / 2**k for k in range(4)]


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid:RuntimeWarning")
def test_where_the_images_are_too_large_no_learning_rate_is_blamed(handgrad):
    X = np.full((40, 1, 4, 4), 3e38, np.float32)
    X[::2] *= -1
    np.savez("huge.npz", x_train=X, y_train=np.arange(40) % 2)
    ended = handgrad("train", "huge.npz", *QUICK, "--on-divergence", "lower-lr")
    assert ended.status == 1
    assert "so the learning rate is not to blame; look at the images with" in ended.err
    assert "half the learning rate" not in ended.err


def test_a_folder_beside_own_images_is_refused_and_a_remembered_one_ignored(tmp_path):
    mine = str(tmp_path)
    with pytest.raises(hg.ConfigError, match=r"leave it out \(from the command line\)$"):
        configure({"data": mine, "folder": "elsewhere"}, {})
    begun = begun_with({"data": mine, "folder": "elsewhere"}, Path("checkpoint"))
    assert begun == {"data": mine}
    kept = {"data": "mnist", "folder": "elsewhere"}
    assert begun_with(kept, Path("checkpoint")) == kept
