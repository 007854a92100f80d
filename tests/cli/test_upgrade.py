import json
import shutil

import numpy as np

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.export.verify import verify_bundle
from handgrad.preprocess import Preprocessing, drawing, plain
from handgrad.preprocess.upgrades import upgraded
from tests.classifier.write_golden_file import FOLDER


def old_model(folder):
    return shutil.copy(FOLDER / "format-2.safetensors", folder / "old.safetensors")


def test_the_preprocessing_is_rewritten_and_the_rest_stays(handgrad, tmp_path):
    old = read_bundle(old_model(tmp_path))
    ended = handgrad("upgrade", tmp_path / "old.safetensors", "--out", "new.safetensors")
    assert ended.status == 0
    assert "the test images are not compared: the model file does not name its" in ended.err
    changed, written = ended.out.splitlines()
    assert changed.endswith("of 4 answers for golden images changed")
    assert written == "upgraded model in new.safetensors"
    new = read_bundle("new.safetensors")
    assert old.classifier.preprocessing.version == 1
    assert new.classifier.preprocessing == drawing(8)
    assert new.about == old.about
    assert new.classifier.calibration == old.classifier.calibration
    for name, array in old.classifier.network.arrays.items():
        assert np.array_equal(new.classifier.network.arrays[name], array)
    found = verify_bundle(new)
    assert found.passed
    ended = handgrad("verify", "new.safetensors")
    assert ended.status == 0


def test_changed_answers_for_test_images_are_counted(handgrad, tmp_path):
    path = old_model(tmp_path)
    before = hg.load_model(path)
    ended = handgrad("upgrade", path, "--data", "digits", "--json")
    counts = json.loads(ended.out)["answers"]
    after = hg.load_model(path)  # it was replaced
    _, test = hg.load_data("digits")
    answers = [
        model.predict(np.stack([model.preprocessing.apply(x[0]) for x in test.images]))
        for model in (before, after)
    ]
    changed = int((answers[0] != answers[1]).sum())
    assert counts["test"] == {"changed": changed, "images": 359}
    assert counts["golden"]["images"] == 4


def test_a_model_with_nothing_to_upgrade_is_refused(handgrad):
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 8, 8), 2)
    for preprocessing, reason in (
        (plain((1, 8, 8)), "the preprocessing already has the newest steps"),
        (None, "the model has no preprocessing"),
    ):
        hg.Classifier(net, preprocessing=preprocessing).save("m.safetensors")
        ended = handgrad("upgrade", "m.safetensors")
        assert (ended.status, ended.out) == (1, "")
        assert ended.err == f"error: m.safetensors: there is nothing to upgrade: {reason}\n"


def test_steps_keep_their_settings():
    described = plain((3, 9, 7), keep_aspect=False, background="black").to_json()
    old = Preprocessing.from_json({k: v for k, v in described.items() if k != "version"})
    assert old.version == 1
    assert upgraded(old) == plain((3, 9, 7), keep_aspect=False, background="black")
    assert upgraded(upgraded(old)) is None
