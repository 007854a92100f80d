import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.automatic import whole


def folder(place, count):
    """Write so many pictures each of things on the left and on the right."""
    rng = np.random.default_rng(0)
    for n in range(2 * count):
        X = rng.integers(0, 30, (12, 12), np.uint8)
        X[rng.integers(2, 9) :, 8 * (n % 2) :][:3, :4] = 220
        path = Path(place, ("left", "right")[n % 2], f"{n}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X).save(path)


def test_a_folder_of_pictures_becomes_a_model_with_a_report(handgrad, monkeypatch):
    monkeypatch.setattr(whole, "FOR_THE_END", 3.0)
    folder("mine", 40)
    ended = handgrad("fit", "mine", "--minutes", 0.12)
    assert ended.status == 0
    score, place = ended.out.splitlines()
    assert re.fullmatch(r"test accuracy [\d.]+% \(\d+ of 16 right\), loss [\d.]+", score)
    assert place == "model in runs/mine-fit-1, report in runs/mine-fit-1/report.html"
    assert re.search(r"^ +[\d.]+ s  to the end  \S+, learning rate", ended.err, re.MULTILINE)
    assert re.search(r"^chosen: \S+, learning rate .*; (not )?calibrated", ended.err, re.MULTILINE)
    net = hg.load_model("runs/mine-fit-1/model.safetensors")
    assert net.classes == ("left", "right")
    assert net.preparation is not None
    assert hg.evaluate(net, hg.load("./mine")[1]).accuracy == float(score.split()[2][:-1]) / 100
    assert "few pictures" not in Path("runs/mine-fit-1/report.html").read_text(encoding="utf-8")
    assert handgrad("evaluate", "runs/mine-fit-1").status == 0


def test_very_few_pictures_are_enough(handgrad, monkeypatch):
    monkeypatch.setattr(whole, "FOR_THE_END", 5.0)
    folder("mine", 3)
    ended = handgrad("fit", "mine", "--minutes", 0.1, "--out", "here")
    assert ended.status == 0
    assert "not calibrated: " in ended.err
    assert Path("here/report.html").is_file()


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["mine", "--minutes", 0], 2, "minutes must be at least 0.1, not 0"),
        (["mine"], 1, "too few pictures to split"),
        (["nothing-here/x"], 1, "there is no .*nothing-here/x; give a folder"),
        (["mine", "--out", "mine"], 2, "mine is there already, and no empty folder"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_nothing(handgrad, words, status, sentence):
    folder("mine", 1)
    ended = handgrad("fit", *words)
    assert (ended.status, ended.out) == (status, "")
    assert re.fullmatch(f"error: .*{sentence}.*\n", ended.err)
    assert not Path("runs").exists()
