"""`handgrad train --from`: continue the training of a finished run on other data."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.export.model_card import card
from handgrad.runs.trained_on import FILE, image_digests
from tests.cli.test_train_run import assert_same_run, interrupt

QUICK = ("--epochs", "2", "--no-figures", "--no-calibrate", "--lr", "0.003")
SHAPES = {name: n for n, name in enumerate(("bar", "box", "dot", "tee", "vee"))}


def draw(folder: str, *classes: str, count: int = 12, size: int = 12) -> Path:
    """Write a folder of small images of each class; the classes differ in which half is bright."""
    rng = np.random.default_rng(0)
    for name in classes:
        place = Path(folder, name)
        place.mkdir(parents=True)
        for number in range(count):
            image = rng.integers(0, 60, (size, size)).astype(np.uint8)
            image[:, 2 * SHAPES[name] : 2 * SHAPES[name] + 3] += 180
            Image.fromarray(image).save(place / f"{number}.png")
    return Path(folder)


@pytest.fixture
def first(handgrad: Any) -> str:
    """Return a finished run on the classes bar, box and dot."""
    draw("first", "bar", "box", "dot")
    ended = handgrad("train", "first", "--model", "two-layer", *QUICK, "-q", "--out", "A")
    assert ended.status == 0, ended.err
    return "A"


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (("bar", "box", "dot"), "keeps the rows of the classes bar, box, dot\n"),
        (("box", "dot"), "keeps the rows of the classes box, dot; drops the class bar\n"),
        (
            ("bar", "box", "dot", "tee"),
            "keeps the rows of the classes bar, box, dot; adds new rows for the class tee\n",
        ),
        (
            ("tee", "vee"),
            "adds new rows for the classes tee, vee; drops the classes bar, box, dot\n",
        ),
    ],
)
def test_new_data_defines_the_classes(
    handgrad: Any, first: str, classes: tuple[str, ...], sentence: str
) -> None:
    draw("second", *classes)
    ended = handgrad("train", "second", "--from", first, *QUICK, "--freeze", "features")
    assert ended.status == 0, ended.err
    assert sentence in ended.err
    assert "keeps the model's mean and standard deviation of the pixels\n" in ended.err
    run = "runs/second-continued-1"
    old, new = read_bundle(first), read_bundle(run)
    assert new.classifier.classes == classes
    assert new.classifier.preprocessing == old.classifier.preprocessing
    start = new.about["from"]
    assert start["digest"] == old.digest
    assert start["path"] == str(Path(first, "model.safetensors").absolute())
    assert start["data"] == old.about["data"]
    assert start["kept"] == [name for name in classes if name in ("bar", "box", "dot")]
    assert start["added"] == [name for name in classes if name not in ("bar", "box", "dot")]
    for name in ("0.mean", "0.std", "2.weight", "2.bias"):  # frozen
        before, after = (m.classifier.network.arrays[name] for m in (old, new))
        np.testing.assert_array_equal(before, after)
    assert new.about["config"]["from_run"] == str(Path(first).absolute())
    assert "model" not in new.about["config"]
    assert "starts from" in card(new)
    again = handgrad("train", "--config", f"{run}/config.toml", "-q", "--out", "again")
    assert again.status == 0, again.err
    assert_same_run(run, "again")


def test_files_get_the_preprocessing_of_the_old_model(handgrad: Any, first: str) -> None:
    draw("large", "bar", "box", size=30)  # alone, they would be 30x30
    ended = handgrad("train", "large", "--from", first, *QUICK, "--out", "B")
    assert ended.status == 0, ended.err
    assert hg.load_model("B").shape == (1, 12, 12)
    assert hg.load_model("B").preprocessing == hg.load_model(first).preprocessing


def test_a_model_file_and_another_run_of_a_run_can_be_continued(handgrad: Any, first: str) -> None:
    draw("second", "dot", "tee")
    handgrad("train", "second", "--from", f"{first}/model.safetensors", *QUICK, "--out", "B")
    ended = handgrad("train", "first", "--from", "B", *QUICK, "--out", "C")
    assert ended.status == 0, ended.err
    start = read_bundle("C").about["from"]
    assert start["from"]["digest"] == read_bundle(first).digest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "smallnet"), "model is determined by the model to start from"),
        (("--size", "12"), "size is determined by the model to start from"),
        (("--preprocessing", "light"), "preprocessing is determined by the model to start from"),
        (("--freeze", "9"), "freeze=9 leaves no layer with parameters to train"),
        (("--freeze", "2"), "freeze=2 has no effect"),
        (("--freeze", "all"), "freeze must be a number of layers, such as 4, or features"),
    ],
)
def test_a_setting_that_the_model_determines_is_refused(
    handgrad: Any, first: str, words: tuple[str, ...], message: str
) -> None:
    ended = handgrad("train", "first", "--from", first, *QUICK, *words)
    assert ended.status != 0
    assert message in ended.err
    assert ended.err.splitlines()[-1].startswith("error: ")
    assert not Path("runs").exists()


def test_images_of_another_size_are_refused_in_one_sentence(handgrad: Any, first: str) -> None:
    ended = handgrad("train", "digits", "--from", first, *QUICK)
    assert ended.status != 0
    assert "digits has images of 1x8x8 (channels x height x width), but the network in" in ended.err
    assert "takes 1x12x12" in ended.err


def test_there_is_nothing_to_start_from(handgrad: Any) -> None:
    draw("first", "bar", "box")
    for words in (("--from", "nowhere"), ("--from", "first"), ("--from", "")):
        ended = handgrad("train", "first", *words)
        assert ended.status != 0
        assert ended.err.startswith("error: ")
        assert not Path("runs").exists()


def test_an_interrupted_run_resumes_to_the_same_weights(handgrad: Any, first: str) -> None:
    draw("second", "dot", "tee", "vee", count=20)
    words = ["second", "--from", first, "--freeze", "features", *QUICK, "--epochs", "3"]
    words += ["--batch", "8"]
    ended = interrupt(handgrad, *words, "--out", "B", step=8, number=signal.SIGINT)
    assert ended.status == 130
    changed = handgrad("train", "--resume", "B", "--freeze", "0", "--force-settings")
    assert "freeze was features and is now 0" in changed.err
    assert handgrad("train", "--resume", "B").status == 0
    handgrad("train", *words, "--out", "undisturbed")
    assert_same_run("B", "undisturbed")


def test_a_run_whose_start_has_changed_or_is_gone_does_not_resume(
    handgrad: Any, first: str
) -> None:
    draw("second", "dot", "tee", count=20)
    words = ["second", "--from", first, *QUICK, "--batch", "8"]
    assert interrupt(handgrad, *words, "--out", "B", step=5).status == 130
    Path(first).rename("moved")
    assert "to resume, the model to start from is needed" in handgrad("train", "--resume", "B").err
    handgrad("train", "first", "--model", "two-layer", "--epochs", "1", "-q", "--out", first)
    assert "which has changed since" in handgrad("train", "--resume", "B").err
    Path(first).rename("other")
    Path("moved").rename(first)
    assert handgrad("train", "--resume", "B").status == 0


def test_json_output_is_one_object(handgrad: Any, first: str) -> None:
    draw("second", "dot", "tee")
    ended = handgrad("train", "second", "--from", first, *QUICK, "--json")
    found = json.loads(ended.out)
    assert found["ok"]
    assert (found["from"]["kept"], found["from"]["added"]) == (["dot"], ["tee"])


def test_the_images_of_the_first_training_are_still_recognised(handgrad: Any, first: str) -> None:
    draw("second", "bar", "dot", "tee")
    draw("third", "dot", "vee")
    ended = handgrad("train", "second", "--from", first, *QUICK, "--out", "B")
    assert "not all images that the model was trained on are known" not in ended.err
    handgrad("train", "third", "--from", "B", *QUICK, "--out", "C")
    known = [set(np.load(f"{run}/{FILE}").tolist()) for run in "ABC"]
    assert known[0] < known[1] < known[2]
    for place in ("bar", "box"):  # C lacks these classes, so their images cannot be evaluated
        Path("first", place).rename(Path(place))
    found = json.loads(handgrad("evaluate", "C", "--data", "first", "--json").out)
    first_training = hg.load_data("first")[0]
    assert found["trained_on"] == len(image_digests(first_training.images)) > 0


def test_unknown_images_of_the_first_training_are_mentioned(handgrad: Any, first: str) -> None:
    Path(first, FILE).unlink()
    draw("second", "bar", "dot", "tee", count=40)
    ended = handgrad("train", "second", "--from", first, *QUICK, "--out", "B")
    assert "not all images that the model was trained on are known" in ended.err
    ended = handgrad("train", "second", "--from", "B", *QUICK, "--out", "C")
    assert "not all images that the model was trained on are known" in ended.err
    for run in ("B", "C"):
        ended = handgrad("evaluate", run, "--data", "second")
        assert "the model was trained on at least 96 of these 120 images; it" in ended.out
        ended = handgrad("evaluate", run, "--data", "second", "--json")
        assert json.loads(ended.out)["all_training_images_known"] is False
        ended = handgrad("calibrate", run, "--data", "second")
        assert "the model may have been trained on more of these images" in ended.err
