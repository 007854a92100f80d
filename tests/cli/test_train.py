import json
import re
import socket
import tomllib
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.cli.train_options import OPTIONS
from handgrad.runs.settings import FIELDS

QUICK = ["--model", "softmax-regression", "--epochs", "1", "--no-figures"]


def written(run="runs/digits-softmax-regression-1"):
    return tomllib.loads(Path(run, "config.toml").read_text())


def test_train_prints_network_epochs_score_and_folder(handgrad):
    ended = handgrad("train", *QUICK)
    assert ended.status == 0
    assert re.search(r"1 Dense +10 +650 +640", ended.err)
    assert re.search(r"total +650 +640", ended.err)
    assert re.search(
        r"^epoch 1/1: loss [\d.]+ accuracy [\d.]+%, validation loss [\d.]+ accuracy [\d.]+%, "
        r"lr <0\.0001, \d+ ms, [\d,]+ images/s$",
        ended.err,
        re.MULTILINE,
    )
    assert "kept: the weights of epoch 1, which has the lowest validation loss (*)" in ended.err
    score, place = ended.out.splitlines()
    assert place == "run in runs/digits-softmax-regression-1"
    net = hg.load_model("runs/digits-softmax-regression-1/model.safetensors")
    assert score == f"test {hg.evaluate(net, hg.load_data('digits')[1])}"


def test_probabilities_are_calibrated_unless_disabled(handgrad):
    calibrated = handgrad("train", *QUICK)
    assert re.search(
        r"^calibrated, temperature 0\.\d+: expected calibration error [\d.]+% -> [\d.]+%, "
        r"on 144 images$",
        calibrated.err,
        re.MULTILINE,
    )
    plain = handgrad("train", *QUICK, "--no-calibrate")
    assert "calibrat" not in plain.err
    models = [hg.load_model(f"runs/digits-softmax-regression-{n}") for n in (1, 2)]
    assert models[0].calibration is not None
    assert models[1].calibration is None
    assert handgrad("train", *QUICK, "--validation", 0).status == 0


def test_train_without_arguments_learns_digits(handgrad):
    ended = handgrad("train", "-q")
    assert (ended.status, ended.err) == (0, "")
    accuracy = float(re.search(r"accuracy ([\d.]+)%", ended.out)[1])
    assert accuracy > 97
    assert len(list(Path("runs/digits-smallnet-1/figures").iterdir())) == 6


def test_augmented_run_reports_the_augmentation_and_has_different_weights(handgrad):
    ended = handgrad("train", *QUICK, "-v", "--augment", "fashion", "--engine", "compiled")
    assert "images are augmented by shift=0.07,flip=true" in ended.err
    handgrad("train", *QUICK, "-q")
    net, plain = (hg.load_model(f"runs/digits-softmax-regression-{n}").network for n in (1, 2))
    assert not np.array_equal(net.parameters["1.weight"], plain.parameters["1.weight"])
    assert written()["augment"] == "shift=0.07,flip=true"
    again = handgrad("train", "--augment", "lite")
    assert again.status == 2
    assert again.err.startswith("error: augment must be a valid augmentation (there is no preset")


def test_same_seed_gives_the_same_network(handgrad):
    for seed in (1, 1, 2):
        handgrad("train", *QUICK, "-q", "--seed", seed)
    first, again, other = (
        hg.load_model(f"runs/digits-softmax-regression-{n}").network.parameters for n in (1, 2, 3)
    )
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["1.weight"], other["1.weight"])


def test_every_setting_has_its_option_and_its_default_in_the_help(handgrad):
    text = " ".join(handgrad("train", "--help").out.replace("│", " ").split())
    for option in OPTIONS:
        if option.name != "data":  # it is the argument
            assert option.flags[-1].partition("/")[0] in text
        assert " ".join(option.help.split()[-3:]) in text, option.name
    assert {option.name for option in OPTIONS} == {*FIELDS}


def test_all_options_reach_the_run(handgrad, monkeypatch):
    monkeypatch.setenv("HANDGRAD_MIN_DELTA", "0.125")
    monkeypatch.setenv("HANDGRAD_LR", "9")
    Path("s.toml").write_text("clip_norm = 3\nlr = 8\n")
    words = "--batch 32 --optimizer nesterov --lr 0.01 --momentum 0.8 --weight-decay 0.001 "
    words += "--schedule cosine --label-smoothing 0.1 --class-weights 3=2 --validation 0.2 "
    words += "--patience 4 --seed 7 --engine reference --config s.toml --out deep/down "
    words += (
        "--on-divergence lower-lr --checkpoint-minutes 0.5 --augment flip=true --average-weights 2"
    )
    assert handgrad("train", *QUICK, *words.split()).status == 0
    assert written("deep/down") == {
        "data": "digits",
        "model": "softmax-regression",
        "epochs": 1,
        "batch_size": 32,
        "optimizer": "nesterov",
        "lr": 0.01,
        "momentum": 0.8,
        "weight_decay": 0.001,
        "schedule": "cosine",
        "label_smoothing": 0.1,
        "clip_norm": 3.0,
        "class_weights": {"3": 2.0},
        "augment": "flip=true",
        "average_weights": 2.0,
        "freeze": 0,
        "validation": 0.2,
        "patience": 4,
        "min_delta": 0.125,
        "seed": 7,
        "engine": "reference",
        "on_divergence": "lower-lr",
        "checkpoint_minutes": 0.5,
        "calibrate": True,
        "figures": False,
    }


def test_with_json_the_result_is_an_object(handgrad):
    ended = handgrad("train", *QUICK, "-q", "--json")
    told = json.loads(ended.out)
    net = hg.load_model(Path(told["run"], "model.safetensors"))
    assert told["test_accuracy"] == hg.evaluate(net, hg.load_data("digits")[1]).accuracy
    assert (told["epochs"], told["best_epoch"], told["stopped_early"]) == (1, 1, False)
    assert told["kept"] == "kept: the weights of epoch 1, which has the lowest validation loss"


def test_a_run_can_be_repeated_from_its_own_settings(handgrad):
    handgrad("train", *QUICK, "-q", "--lr", "0.02")
    handgrad("train", "-q", "--config", "runs/digits-softmax-regression-1/config.toml")
    first, again = (hg.load_model(f"runs/digits-softmax-regression-{n}").network for n in (1, 2))
    assert np.array_equal(first.parameters["1.weight"], again.parameters["1.weight"])


def test_early_stopping_says_which_weights_are_kept(handgrad):
    ended = handgrad("train", *QUICK, "--epochs", "9", "--min-delta", "99", "--patience", "2")
    assert (
        "stopped early: 2 epochs without a lower validation loss; kept: the weights of epoch 1"
        in ended.err
    )
    told = json.loads(Path("runs/digits-softmax-regression-1/history.json").read_text())
    assert (len(told["epochs"]), told["stopped_early"], told["best_epoch"]) == (3, True, 1)


def test_without_validation_and_patience_the_last_weights_are_kept(handgrad):
    ended = handgrad("train", *QUICK, "--validation", "0", "--patience", "0")
    assert "kept: the weights of the last epoch, 1" in ended.err
    assert "validation" not in ended.err
    line = Path("runs/digits-softmax-regression-1/history.csv").read_text().splitlines()[1]
    assert ",,," in line  # no validation loss, no validation accuracy


def test_quiet_prints_results_only(handgrad):
    for words in (["-q", "train", *QUICK], ["train", *QUICK, "--quiet"]):
        ended = handgrad(*words)
        assert ended.err == ""
        assert len(ended.out.splitlines()) == 2


def test_verbose_prints_versions_engine_and_data(handgrad):
    for words in (["-v", "train", *QUICK], ["train", *QUICK, "--verbose"]):
        err = handgrad(*words).err
        assert f"handgrad {hg.__version__}\n" in err
        assert f"numpy {np.__version__}\n" in err
        assert "engine compiled\ndata digits, in scikit-learn\n" in err


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (
            "--model convnet",
            1,
            "convnet cannot take the images of digits (1x8x8): layer 3 (Conv2d)",
        ),
        ("--model smalnet", 2, "did you mean smallnet?"),
        ("--epochs 0", 2, "epochs must be at least 1, not '0' (from the command line)"),
        ("--batch 5000", 1, "there are only 1294 training images, fewer than the batch_size 5000"),
        ("--batch-size 5000", 1, "use a batch_size of at most 1294"),
        (
            "--class-weights eleven=2",
            2,
            "class_weights: unknown class eleven; the classes are 0,",
        ),
        ("--config none.toml", 2, "none.toml cannot be read"),
        ("mnist --data-dir nowhere", 1, "nowhere is not a folder; give one that contains mnist"),
        (
            "--out taken",
            2,
            "taken already exists and is not an empty folder; choose another folder",
        ),
    ],
)
def test_failure_gives_a_one_sentence_error_and_leaves_no_files(
    handgrad, tmp_path, words, status, sentence
):
    Path("taken").mkdir()
    Path("taken/mine").write_text("x")
    ended = handgrad("train", *QUICK, *words.split())
    assert (ended.status, ended.out) == (status, "")
    last = ended.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert sentence in last
    assert "Traceback" not in ended.err
    assert [p.name for p in tmp_path.rglob("*")] == ["taken", "mine"]


def test_few_images_make_one_batch_unless_the_size_is_given(handgrad):
    X = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
    np.savez("few.npz", x=X, y=np.arange(30) % 3)
    ended = handgrad("train", "few.npz", *QUICK, "--out", "few")
    assert ended.status == 0
    assert written("few")["batch_size"] == 21
    ended = handgrad("train", "few.npz", *QUICK, "--batch-size", "22")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        "train: images `x`, labels `y`\n"
        "error: few: there are only 21 training images, fewer than the batch_size 22; use a "
        "batch_size of at most 21: --batch-size 21\n"
    )


def test_missing_data_without_internet_gives_a_one_sentence_error(handgrad, tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    ended = handgrad("train", "mnist", *QUICK)
    assert (ended.status, ended.out) == (1, "")
    assert re.search(r"error: mnist could not be downloaded .* no connection", ended.err)
    assert "set HANDGRAD_DATA to a folder that contains the files in mnist/" in ended.err
    assert not Path("runs").exists()


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_failing_figures_do_not_lose_the_run(handgrad, monkeypatch, quiet):
    def fail(*_):
        raise ValueError("no ink")

    monkeypatch.setattr("handgrad.plots.confident_mistakes", fail)
    ended = handgrad("train", *QUICK[:-1], *quiet)
    assert ended.status == 0
    assert ended.err.endswith(
        "warning: not all figures could be drawn (ValueError: no ink); the rest of the run is "
        "kept\n"
    )
    run = Path("runs/digits-softmax-regression-1")
    assert {p.name for p in run.iterdir() if p.is_file()} == {
        *("model.safetensors", "config.toml", "history.csv", "history.json", "history.jsonl"),
        "training-images.npy",
    }
    assert ended.out.splitlines()[1] == f"run in {run}"


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("words", "least"),
    [
        ("mnist --model convnet --epochs 1", 96),
        ("fashion-mnist --model fashion-mlp --epochs 3", 86),
    ],
)
def test_mnist_and_fashion_mnist_are_learned_with_the_defaults(handgrad, located, words, least):
    folder = located(words.split()[0])
    ended = handgrad("train", *words.split(), "-q", "--no-figures", "--data-dir", folder)
    assert float(re.search(r"test accuracy ([\d.]+)%", ended.out)[1]) > least


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--force-settings"], "--force-settings needs --resume RUN"),
        (["--calibrate", "--validation", "0"], "calibrate has no effect with validation 0"),
        (["--min-delta", "0.1", "--patience", "0"], "min_delta has no effect with patience 0"),
    ],
)
def test_an_option_without_effect_is_refused(handgrad, words, sentence):
    ended = handgrad("train", "digits", *words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"error: {sentence}")
