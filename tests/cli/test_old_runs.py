"""For a run of handgrad 0.1, commands give a result or a one-sentence error."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
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
