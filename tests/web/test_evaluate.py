"""The endpoints of the view Evaluate return what Python's own functions return."""

from dataclasses import replace
from pathlib import Path
from threading import RLock

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.calibration import reliability
from handgrad.data.corruptions import CORRUPTIONS, corrupt
from handgrad.errors import DataError
from handgrad.train import robustness
from handgrad.web.damage import Damage
from handgrad.web.routes import evaluate
from handgrad.web.session import Session
from tests.web.asking import Asker, finished_run, unpacked


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluate") / "run"
    return finished_run(out, data="digits", model="two-layer", epochs=4), out


@pytest.fixture
def asker(run):
    session = Session(run[1])
    asker = Asker(evaluate.routes(session))
    asker.session = session
    yield asker
    session.close()


def test_the_evaluation_equals_pythons(run, asker):
    classifier, test = run[0].classifier, run[0].test
    found = asker.until_over("/api/evaluate")["result"]
    expected, p = hg.evaluate(classifier, test), classifier.predict_proba(test)
    assert found["accuracy"] == expected.accuracy
    assert found["loss"] == pytest.approx(expected.loss)
    assert found["interval"] == list(expected.interval)
    assert (found["correct"], found["count"]) == (expected.correct, len(test))
    assert found["confusion"] == expected.confusion.tolist()
    assert unpacked(found["labels"]).tolist() == test.labels.tolist()
    assert unpacked(found["answers"]).tolist() == p.argmax(axis=1).tolist()
    np.testing.assert_allclose(unpacked(found["confidence"]), p.max(axis=1), rtol=1e-6)
    diagram = reliability(p, test.labels)
    assert found["reliability"]["counts"] == diagram.counts.tolist()
    assert found["reliability"]["error"] == pytest.approx(diagram.error)
    doubt = classifier.doubt(test)
    unlike = unpacked(found["scores"]) > found["score_threshold"]
    unsure = unpacked(found["confidence"]) < found["threshold"]
    assert (unlike | unsure).tolist() == (doubt != "").tolist()
    assert (found["trained_on"], found["accuracy_of_others"]) == (0, expected.accuracy)


def test_a_new_model_is_evaluated_again(asker, tmp_path):
    first = asker.until_over("/api/evaluate")
    other = finished_run(tmp_path / "other", data="digits", model="two-layer", epochs=1)
    asker.session.open_model(tmp_path / "other")
    assert asker.post("/api/evaluate/images", {"indices": [0]})[0] == 400
    second = asker.until_over("/api/evaluate")
    assert second["version"] == first["version"] + 1
    assert second["result"]["accuracy"] == other.evaluation.accuracy


def test_the_accuracy_on_damaged_images_equals_that_of_robustness(run, asker):
    asker.until_over("/api/evaluate")
    expected = robustness(run[0].classifier, run[0].test)
    for kind, found in expected.corrupted.items():
        strength = CORRUPTIONS[kind].standard
        status, shown = asker.get("/api/evaluate/damaged", kind=kind, strength=strength)
        assert (status, shown["accuracy"]) == (200, found.accuracy)
        assert (shown["count"], shown["total"]) == (found.count, found.count)
        few = run[0].test.images[:12]
        assert np.array_equal(unpacked(shown["before"]), few)
        assert np.array_equal(unpacked(shown["after"]), corrupt(run[0].test.images, kind)[:12])
        assert (
            shown["answers"]
            == run[0].classifier.logits(unpacked(shown["after"])).argmax(axis=1).tolist()
        )
    assert asker.get("/api/evaluate/damaged", kind="blur", strength=0)[1]["accuracy"] == (
        expected.clean.accuracy
    )


def test_all_kinds_and_strengths_are_measured_in_the_background(run, asker):
    asker.until_over("/api/evaluate")
    before = asker.get("/api/evaluate/robustness")[1]
    assert before["is_over"]
    assert before["clean"] is None
    assert asker.post("/api/evaluate/robustness", {})[0] == 200
    found = asker.until_over("/api/evaluate/robustness")
    assert (found["done"], found["total"]) == (76, 76)
    assert found["clean"] == run[0].evaluation.accuracy
    X = corrupt(run[0].test.images, "rotated", strength=5)
    again = hg.evaluate(run[0].classifier, replace(run[0].test, images=X))
    assert found["accuracies"]["rotated"][4] == again.accuracy
    assert all(0 <= a <= 1 for row in found["accuracies"].values() for a in row)


def test_a_large_test_set_is_subsampled_and_the_numbers_say_so(run):
    test = run[0].test
    large = test.take(np.arange(1300) % len(test))
    damage = Damage(run[0].classifier, large, RLock())
    found = damage.at("noise", 2).to_json()
    assert (found["count"], found["total"]) == (1000, 1300)
    chosen = large.take(np.linspace(0, 1299, 1000).astype(int))
    X = corrupt(chosen.images, "noise", strength=2)
    expected = hg.evaluate(run[0].classifier, replace(chosen, images=X))
    assert found["accuracy"] == expected.accuracy


def test_images_of_floating_point_numbers_are_refused_in_one_sentence(run):
    floats = replace(run[0].test, images=run[0].test.images.astype(np.float32))
    with pytest.raises(DataError, match="the damage is defined for pixels 0 to 255"):
        Damage(run[0].classifier, floats, RLock()).at("noise", 2)


def write_folder(folder: Path) -> None:
    """Write a folder of images with a test set, of which three are also training images."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 40), ("test", 8)):
        for k, name in enumerate(["bright", "dark"]):
            (folder / split / name).mkdir(parents=True)
            for n in range(count):
                X = rng.integers(0, 100, (8, 8)) + 150 * (1 - k)
                Image.fromarray(X.astype(np.uint8)).save(folder / split / name / f"{n}.png")
    for n in range(3):
        same = (folder / "train/dark" / f"{n}.png").read_bytes()
        (folder / "test/dark" / f"{n}.png").write_bytes(same)


def test_files_are_named_and_test_images_that_were_trained_on_are_counted(tmp_path):
    write_folder(tmp_path / "own")
    made = finished_run(
        tmp_path / "run", data=str(tmp_path / "own"), model="softmax-regression", epochs=3
    )
    session = Session(tmp_path / "run")
    asker = Asker(evaluate.routes(session))
    found = asker.until_over("/api/evaluate")["result"]
    assert (found["trained_on"], found["count"]) == (3, 16)
    seen = np.isin(
        [x.tobytes() for x in made.test.images], [x.tobytes() for x in made.train.images]
    )
    correct = (
        made.classifier.predict(made.test) == np.array(made.classifier.classes)[made.test.labels]
    )
    assert seen.sum() == 3
    assert found["accuracy_of_others"] == correct[~seen].mean()
    _, images = asker.post("/api/evaluate/images", {"indices": [9, 0]})
    assert np.array_equal(unpacked(images["images"]), made.test.images[[9, 0]])
    folder = [made.classifier.classes[k] for k in made.test.labels[[9, 0]]]
    files = [Path(name) for name in images["names"]]
    assert [file.parts[:2] for file in files] == [("test", name) for name in folder]
    for file, x in zip(files, made.test.images[[9, 0]], strict=True):
        assert np.array_equal(np.array(Image.open(tmp_path / "own" / file)), x[0])
    session.close()


@pytest.mark.parametrize(
    ("method", "path", "given", "sentence"),
    [
        ("get", "damaged", {"kind": "noize"}, "there is no corruption 'noize'; did you mean"),
        ("get", "damaged", {"kind": "noise", "strength": 6}, "strength: "),
        ("get", "damaged", {"kind": "noise", "strength": -1}, "strength: "),
        ("get", "damaged", {"kind": "noise", "strength": "nan"}, "strength: "),
        ("get", "damaged", {}, "kind: "),
        ("post", "images", {"indices": [-1]}, "digits test has the images 0 to 358"),
        ("post", "images", {"indices": [359]}, "digits test has the images 0 to 358"),
        ("post", "images", {"indices": [10**30]}, "digits test has the images 0 to 358"),
        ("post", "images", {"indices": [0.5]}, "indices.0: "),
        ("post", "images", {"indices": [0] * 201}, "indices: "),
        ("post", "images", {"indices": [0], "path": "/etc/passwd"}, "path: "),
    ],
)
def test_bad_requests_are_refused_in_one_sentence(asker, method, path, given, sentence):
    asker.until_over("/api/evaluate")
    path = f"/api/evaluate/{path}"
    status, found = asker.get(path, **given) if method == "get" else asker.post(path, given)
    assert (status, found["error"][: len(sentence)]) == (400, sentence)
    assert "\n" not in found["error"]


def test_without_a_model_the_error_says_what_to_do():
    session = Session(data="digits")
    state = Asker(evaluate.routes(session)).until_over("/api/evaluate")
    assert state["error"] == "there is no model yet; train one in the view Train"
    session.close()
