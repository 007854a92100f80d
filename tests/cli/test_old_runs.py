"""For a run of an older version, commands give a result or a one-sentence error."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.classifier import read_bundle
from tests.classifier.write_golden_file import FOLDER

CHECKPOINT = Path(__file__).parents[1] / "train" / "checkpoint" / "old"
CONFIG = 'data = "digits"\nepochs = 1\naverage = 0.0\naugment = "none"\n'


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Return the folder of a finished run of version 0.1."""
    folder = tmp_path / "finished"
    folder.mkdir()
    shutil.copy(FOLDER / "format-1.safetensors", folder / "model.safetensors")
    (folder / "config.toml").write_text(CONFIG)
    return folder


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """Return the folder of an interrupted run of version 0.1."""
    shutil.copytree(CHECKPOINT, tmp_path / "interrupted" / "checkpoints")
    return tmp_path / "interrupted"


def test_the_model_of_an_old_run_evaluates_as_before(handgrad, finished):
    ended = handgrad("evaluate", finished, "--data", "digits")
    found = hg.evaluate(hg.load_model(finished), hg.load_data("digits")[1])
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == f"digits test {found}"
    assert found.accuracy > 0.93
    image = Path("image.png")
    Image.fromarray(np.full((8, 8), 200, np.uint8)).save(image)
    assert handgrad("predict", finished, image).status == 0


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "unknown setting average (from {}); did you mean average_weights?"),
        ('folder = "x"\n', "unknown setting folder (from {})"),
        ('preparation = "light"\n', "unknown setting preparation (from {})"),
        (
            'on_divergence = "lower-rate"\n',
            "on_divergence must be one of stop, lower-lr, not 'lower-rate' (from {}); did you mean "
            "lower-lr?",
        ),
        (
            'augment = "messy-hands"\n',
            "augment must be a valid augmentation (there is no preset 'messy-hands'), not "
            "'messy-hands' (from {}); choose none, light, drawings, fashion, or settings such as "
            "shift=0.1,rotation=10",
        ),
    ],
)
def test_an_unknown_setting_of_an_old_config_is_named(handgrad, finished, line, sentence):
    file = finished / "config.toml"
    if line:
        file.write_text(line)
    ended = handgrad("train", "--config", file)
    assert ended.status == 2
    assert ended.err == f"error: {sentence.format(file)}\n"


def test_an_old_run_is_not_resumed(handgrad, finished, interrupted):
    ended = handgrad("train", "--resume", finished)
    assert ended.status == 2
    assert "is finished and cannot be resumed" in ended.err
    ended = handgrad("train", "--resume", interrupted)
    assert ended.status == 1
    file = interrupted / "checkpoints" / "checkpoint-000002.safetensors"
    assert ended.err == (
        f"error: {file}: has format 1, but this version of handgrad reads 2; resume with the "
        "version that wrote it, or start the run again\n"
    )


@pytest.fixture
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of the golden model file of a format."""
    return Path(shutil.copy(FOLDER / f"{request.param}.safetensors", tmp_path / "old.safetensors"))


UNKNOWN = "it is unknown whether the model was trained on some of these images"


@pytest.mark.parametrize("model", ["format-1", "format-2"], indirect=True)
def test_the_model_of_every_format_can_be_used(handgrad, model):
    before = read_bundle(model)
    accuracy = before.about["scores"]["test_accuracy"]
    ended = handgrad("evaluate", model, "--data", "digits", "--json")
    found = json.loads(ended.out)
    assert (found["accuracy"], found["trained_on"]) == (accuracy, None)
    assert UNKNOWN in handgrad("evaluate", model, "--data", "digits").out

    ended = handgrad("predict", model, "--data", "digits", *range(40), "--csv", "a.csv")
    assert ended.status == 0
    assert ended.err == ""
    correct = before.classifier.predict(hg.load_data("digits")[1].images[:40])
    rows = [line.split(",") for line in Path("a.csv").read_text().splitlines()]
    column = rows[0].index("label")
    assert [int(row[column]) for row in rows[1:]] == correct.tolist()

    ended = handgrad("calibrate", model, "--data", "digits", "--precision", "0.9")
    assert ended.status == 0
    assert UNKNOWN in ended.err
    assert read_bundle(model).classifier.calibration.images == 359
    ended = handgrad("calibrate", model)
    assert (ended.status, ended.out) == (2, "")
    assert "the model file does not name its training data" in ended.err

    assert handgrad("upgrade", model).status == 0
    assert handgrad("verify", model).status == 0
    after = json.loads(handgrad("evaluate", model, "--data", "digits", "--json").out)
    assert after["accuracy"] == accuracy
    ended = handgrad(
        *("train", "digits", "--from", model, "--epochs", "1", "--quiet", "--no-figures")
    )
    assert ended.status == 0
    assert float(ended.out.split()[2].rstrip("%")) > 90


@pytest.fixture
def without_additions(trained: Path, tmp_path: Path) -> Path:
    """Return a run without the files and entries that later versions added."""
    run = tmp_path / "older"
    shutil.copytree(trained, run)
    (run / "training-images.npy").unlink()
    bundle = read_bundle(run / "model.safetensors")
    about = {key: value for key, value in bundle.about.items() if key != "training_images"}
    about["config"] = {
        key: value
        for key, value in about["config"].items()
        if key not in ("freeze", "from_run", "skip_broken")
    }
    old = bundle.classifier
    hg.Classifier(old.network, old.classes).save(run / "model.safetensors", about)
    return run


def test_a_run_without_later_additions_can_be_used(handgrad, trained, without_additions):
    X, y = hg.load_data("digits")[1][:40]
    np.savez("bytes.npz", x=X, y=y)
    np.savez("floats.npz", x=X / np.float32(255), y=y)
    run = without_additions
    expected = handgrad("evaluate", trained).out.splitlines()
    ended = handgrad("evaluate", run)
    assert (ended.status, ended.err) == (0, "")
    assert [line for line in ended.out.splitlines() if "trained on" not in line] == expected
    for file in ("bytes.npz", "floats.npz"):
        ended = handgrad("evaluate", run, "--data", file, "--json")
        (line,) = [line for line in ended.err.splitlines() if line.startswith("warning: ")]
        assert "does not contain the range of the training images" in line
        expected = json.loads(handgrad("evaluate", trained, "--data", file, "--json").out)
        assert json.loads(ended.out)["accuracy"] == expected["accuracy"], file
        ended = handgrad("predict", run, file, "--json")
        assert "does not contain the range of the training images" in ended.err
        answers = [one["predicted"] for one in json.loads(ended.out)["predictions"]]
        assert answers == hg.load_model(trained).predict(X).tolist(), file
    ended = handgrad("calibrate", run)
    assert (ended.status, ended.err) == (0, "")
    assert read_bundle(run / "model.safetensors").classifier.ood is not None
    ended = handgrad("upgrade", run)
    assert (ended.status, ended.out) == (1, "")
    assert "there is nothing to upgrade: the model has no preprocessing" in ended.err
