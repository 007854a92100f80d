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
from handgrad.runs.settings import configure, original_settings
from tests.train.interrupted import signalled
from tests.train.tampered import edit

QUICK = ["--model", "softmax-regression", "--epochs", "3", "--no-figures"]
RUN = "runs/digits-softmax-regression-1"


def interrupt(handgrad, *words, step=30, number=signal.SIGINT):
    with pytest.MonkeyPatch.context() as patch:
        signalled(patch, step, number)
        return handgrad("train", *words)


def read_history(run=RUN):
    history = json.loads(Path(run, "history.json").read_text())
    for record in history["epochs"]:
        del record["seconds"], record["images_per_second"]
    return history


def assert_same_run(one, other):
    assert read_history(one) == read_history(other)
    first, second = (hg.load_model(run).network.arrays for run in (one, other))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_prints_how_to_resume_and_the_resumed_run_is_the_same(handgrad, number, status):
    ended = interrupt(handgrad, *QUICK, number=number)
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.splitlines()[-1] == (
        f"error: interrupted; to resume: handgrad train --resume {RUN}"
    )
    assert not Path(RUN, "model.safetensors").exists()
    ended = handgrad("train", "--resume", RUN)
    assert ended.status == 0
    assert "resuming after 1 of 3 epochs, 31 steps\n" in ended.err
    assert "epoch 1/3" not in ended.err
    assert ended.out.splitlines()[1] == f"run in {RUN}"
    assert not checkpoints(Path(RUN)).exists()
    handgrad("train", *QUICK, "-q", "--out", "undisturbed")
    assert_same_run(RUN, "undisturbed")


INTERRUPTED_TWICE = """
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


def test_a_second_signal_still_prints_how_to_resume():
    command = [sys.executable, "-c", INTERRUPTED_TWICE, "train", *QUICK]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stderr.splitlines()[-1] == (
        f"error: interrupted; to resume: handgrad train --resume {RUN}"
    )
    assert ended.returncode == 128 + signal.SIGINT


def test_a_run_that_fails_while_writing_can_be_resumed(handgrad, monkeypatch):
    def fail(*_):
        raise hg.StorageError("the disk is full; make room")

    with monkeypatch.context() as patch:
        patch.setattr("handgrad.runs.run._write_history", fail)
        ended = handgrad("train", *QUICK)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == (
        "error: the disk is full; make room; to resume from the last checkpoint: "
        f"handgrad train --resume {RUN}"
    )
    assert handgrad("train", "-q", "--resume", RUN).status == 0
    assert len(read_history()["epochs"]) == 3
    ended = handgrad("train", "--resume", RUN)
    assert ended.status == 2
    assert "is finished and cannot be resumed" in ended.err


def test_a_run_without_a_checkpoint_leaves_nothing(handgrad, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("handgrad.runs.config.RunConfig.network", stop)
    ended = handgrad("train", *QUICK)
    assert (ended.status, ended.err) == (130, "error: interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "--lr 0.5 --epochs 4",
            "cannot resume: epochs was 3 and is now 4, lr was 0.01 and is now 0.5. Use the same "
            "settings, or allow changes with --force-settings.",
        ),
        ("--class-weights balanced", "class_weights was none and is now balanced"),
        (
            "--engine torch --device cpu",
            "was auto and is now torch, device was not set and is now cpu",
        ),
        ("--seed 1", "cannot resume: seed was 0 and is now 1. Start a new run in another folder."),
        ("--batch 32 --force-settings", "batch_size was 64 and is now 32. Start a new run"),
        ("--out other", f"a resumed run stays in its folder {RUN}; remove --out"),
    ],
)
def test_changed_settings_are_refused(handgrad, words, sentence):
    interrupt(handgrad, *QUICK)
    ended = handgrad("train", "--resume", RUN, *words.split())
    assert ended.status == 2
    assert sentence in ended.err
    assert has_checkpoint(Path(RUN))


def test_force_settings_resumes_with_changed_settings(handgrad):
    interrupt(handgrad, *QUICK)
    words = ["--epochs", "5", "--lr", "0.02", "--optimizer", "adam", "--force-settings"]
    assert handgrad("train", "-q", "--resume", RUN, *words).status == 0
    assert len(read_history()["epochs"]) == 5
    about = hg.classifier.read_bundle(Path(RUN, "model.safetensors")).about
    assert (about["config"]["lr"], about["config"]["optimizer"]) == (0.02, "adam")


def test_settings_without_effect_on_the_result_may_change(handgrad):
    interrupt(handgrad, *QUICK)
    words = ["--checkpoint-minutes", "3", "--on-divergence", "lower-lr", "--epochs", "3"]
    assert handgrad("train", "-q", "--resume", RUN, *words).status == 0


def test_a_folder_without_a_run_is_refused(handgrad):
    ended = handgrad("train", "--resume", "nothing")
    assert ended.status == 2
    assert "nothing is not an interrupted run, because it has no checkpoint" in ended.err


def test_a_damaged_checkpoint_is_reported_once_and_the_previous_one_is_used(handgrad, caplog):
    interrupt(handgrad, *QUICK)
    *_, newest = sorted(checkpoints(Path(RUN)).glob("*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:-100])
    ended = handgrad("train", "--resume", RUN)
    assert ended.status == 0
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        f"handgrad: {newest}: damaged"
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
        ([1, 2], "its settings are [1, 2], not a table"),
        (None, "its settings are None, not a table"),
        ({"epochs": "rm -rf"}, "epochs must be a whole number, not 'rm -rf' (in it)"),
        (
            {"optimizer": []},
            "optimizer must be one of sgd, momentum, nesterov, adam, adamw, not []",
        ),
        ({"evil": 1}, "unknown setting 'evil'"),
    ],
)
def test_edited_settings_give_a_one_sentence_error(handgrad, config, sentence):
    interrupt(handgrad, *QUICK)
    changed(lambda about: about.update(config=config))
    ended = handgrad("train", "--resume", RUN)
    assert (ended.status, ended.out) == (1, "")
    newest = max(checkpoints(Path(RUN)).glob("*.safetensors"))
    assert ended.err.startswith(f"error: {newest}: {sentence}"), ended.err
    assert ended.err.count("\n") == 1


def test_all_damaged_checkpoints_are_named(handgrad):
    interrupt(handgrad, *QUICK)
    changed(lambda about: about.pop("run"))
    ended = handgrad("train", "--resume", RUN)
    assert (ended.status, ended.err.count("\n")) == (1, 1)
    for path in checkpoints(Path(RUN)).glob("*.safetensors"):
        assert f"{path}: has no fingerprint of its run (run is None)" in ended.err
    assert ended.err.endswith(". There is no other checkpoint; start the run again\n")


def test_a_checkpoint_of_another_network_prints_no_resume_command(handgrad):
    interrupt(handgrad, *QUICK)
    for path in checkpoints(Path(RUN)).glob("*.safetensors"):
        edit(path, lambda _, named: named.update({"best/1.bias": np.zeros(1, np.float32)}))
    ended = handgrad("train", "--resume", RUN)
    assert ended.status == 1
    newest = max(checkpoints(Path(RUN)).glob("*.safetensors"))
    last = ended.err.splitlines()[-1]
    assert last == f"error: {newest}: array best/1.bias has shape (1,), but must be (10,)"


@pytest.mark.parametrize("below", ["", "checkpoints"])
def test_a_run_started_in_python_must_be_resumed_in_python(handgrad, below):
    data, _ = hg.load_data("digits")
    net = hg.Network(hg.models.softmax_regression(), data.shape, len(data.classes))
    place = Path("mine", below)
    next(hg.epochs(net, data, epochs=3, checkpoint=place, engine="reference"))
    ended = handgrad("train", "--resume", "mine")
    newest = max(place.glob("*.safetensors"))
    assert (ended.status, ended.err) == (
        1,
        f"error: {newest}: has no settings, because the run was started in Python; resume it with "
        f"hg.fit(..., checkpoint={str(place)!r}, resume=True)\n",
    )


def test_the_folder_of_the_checkpoints_is_not_the_run(handgrad):
    interrupt(handgrad, *QUICK)
    ended = handgrad("train", "--resume", f"{RUN}/checkpoints")
    assert ended.status == 2
    assert (
        ended.err == f"error: {RUN}/checkpoints is the folder of a run's checkpoints; give {RUN}\n"
    )


def test_divergence_keeps_the_last_checkpoint_and_prints_the_remedy(handgrad):
    words = ["--model", "two-layer", "--no-figures", "--optimizer", "sgd", "--lr", "1e30"]
    ended = handgrad("train", *words)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].endswith(
        "to resume from the last checkpoint: handgrad train --resume runs/digits-two-layer-1 "
        "--on-divergence lower-lr"
    )
    assert has_checkpoint(Path("runs/digits-two-layer-1"))


def test_a_learning_rate_that_is_too_high_is_halved(handgrad, caplog):
    words = "--model two-layer --epochs 3 --no-figures --optimizer sgd --schedule constant"
    ended = handgrad("train", *words.split(), "--lr", "1e20", "--on-divergence", "lower-lr")
    assert ended.status == 1
    assert [message[-40:] for message in caplog.messages] == [
        f"halved the learning rate ({k} of at most 3 times)"[-40:] for k in (1, 2, 3)
    ]


def grow(_, named):
    for name in named:
        if name.startswith("arrays/"):
            named[name] = np.full_like(named[name], 3e38)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid:RuntimeWarning")
def test_if_the_checkpoint_is_too_large_a_new_run_is_recommended(handgrad):
    interrupt(handgrad, *QUICK, "--lr", "0.5")
    for path in checkpoints(Path(RUN)).glob("*.safetensors"):
        edit(path, grow)
    ended = handgrad("train", "--resume", RUN, "--on-divergence", "lower-lr")
    assert ended.status == 1
    assert ended.err.rstrip().endswith(
        "; the values in the last checkpoint are already too large to resume from; start a new "
        "run with --lr 0.031"
    )


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # numbers are as large as can be
def test_after_three_halvings_the_recommended_lr_works(handgrad):
    words = [*QUICK, "--no-calibrate", "--optimizer", "sgd", "--schedule", "constant"]
    ended = handgrad("train", *words, "--lr", "3.4e38", "--on-divergence", "lower-lr")
    lrs = [3.4e38]
    while ended.status and len(lrs) < 4:
        assert ended.status == 1
        *_, command = ended.err.rstrip().split("; to resume from the last checkpoint: ")
        wanted = rf"handgrad train --resume {RUN} --lr (\S+) --force-settings"
        lrs.append(float(re.fullmatch(wanted, command)[1]))
        assert lrs[-1] == pytest.approx(lrs[-2] / 16, rel=0.05)
        ended = handgrad(*command.split()[1:])
    assert ended.status == 0, ended.err
    assert len(lrs) > 1
    assert read_history()["epochs"][-1]["lr"] in [lrs[-1] / 2**k for k in range(4)]


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid:RuntimeWarning")
def test_if_the_images_are_too_large_the_learning_rate_is_not_blamed(handgrad):
    X = np.full((40, 1, 4, 4), 3e38, np.float32)
    X[::2] *= -1
    X[:, 0, 0, 0] = np.arange(40)  # no image is a copy of another one
    np.savez("huge.npz", x_train=X, y_train=np.arange(40) % 2)
    ended = handgrad("train", "huge.npz", *QUICK, "--on-divergence", "lower-lr")
    assert ended.status == 1
    assert "so the learning rate is not the cause; check the images with" in ended.err
    assert "halved the learning rate" not in ended.err


def test_data_dir_is_refused_with_user_images_and_ignored_when_resuming(tmp_path):
    mine = str(tmp_path)
    with pytest.raises(hg.ConfigError, match=r"remove data_dir \(from the command line\)$"):
        configure({"data": mine, "data_dir": "elsewhere"}, {})
    begun = original_settings({"data": mine, "data_dir": "elsewhere"}, Path("checkpoint"))
    assert begun == {"data": mine}
    kept = {"data": "mnist", "data_dir": "elsewhere"}
    assert original_settings(kept, Path("checkpoint")) == kept
