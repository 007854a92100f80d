import csv
import errno
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad import runs
from handgrad.classifier import read_bundle
from handgrad.pixel_range import PixelRange
from handgrad.runs import Run, checkpoints, load_ood, load_run, load_test, load_validation
from handgrad.runs.config import RunConfig


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def run():
    config = RunConfig(model="softmax-regression", epochs=2, seed=5, out="here")
    train, test = hg.load_data("digits")
    model = hg.Classifier(config.network(train), train.classes)
    history = hg.fit(model, train, **vars(config.train_config(train.classes)))
    return Run(config, model, history, train, test, hg.evaluate(model, test))


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("done") / "r"
    runs.write(run, folder)
    return folder


def test_all_files_of_a_run(folder):
    files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    figures = (
        "learning-curves",
        "first-layer-weights",
        "predictions",
        "confusion-counts",
        "confusion-rows",
        "mistakes",
    )
    assert files == {
        *("model.safetensors", "config.toml", "history.csv", "history.json"),
        "training-images.npy",
        *(f"figures/{name}.png" for name in figures),
    }
    for name in figures:
        with Image.open(folder / f"figures/{name}.png") as image:
            image.load()
            assert min(image.size) > 100


def test_the_history_is_the_same_as_table_and_as_json(run, folder):
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    told = json.loads((folder / "history.json").read_text())
    assert tuple(rows[0]) == hg.Epoch._fields
    assert [int(row["number"]) for row in rows] == [1, 2]
    assert [float(row["validation_loss"]) for row in rows] == [
        record.validation_loss for record in run.history
    ]
    assert told["epochs"] == [record._asdict() for record in run.history]
    assert (told["best_epoch"], told["stopped_early"]) == (run.history.best_epoch, False)


def test_the_model_file_contains_the_settings_of_its_training_run(run, folder):
    about = read_bundle(folder / "model.safetensors").about
    assert about["data"] == {
        "name": "digits",
        "digest": run.train.digest(),
        "test_digest": run.test.digest(),
        "summary": "",
        "skipped": [],
    }
    assert about["seed"] == 5
    assert about["scores"]["test_accuracy"] == run.evaluation.accuracy
    assert about["scores"]["test_images"] == 359
    assert about["versions"]["handgrad"] == hg.__version__
    written = tomllib.loads((folder / "config.toml").read_text())
    assert written == about["config"] == run.config.plain()
    assert RunConfig(**written).train_config(range(10)) == run.config.train_config(range(10))


@pytest.mark.parametrize("file", ["", "model.safetensors"])
def test_a_run_is_loaded_by_its_folder_or_its_file(run, folder, file):
    model, about = load_run(folder / file)
    expected = run.classifier.network.logits(run.test.images)
    assert np.array_equal(model.network.logits(run.test.images), expected)
    test = load_test(about)
    assert hg.evaluate(model, test).accuracy == run.evaluation.accuracy


def test_a_folder_that_is_not_a_run_gives_a_one_sentence_error(tmp_path):
    with pytest.raises(hg.ModelError, match="nothing is not a run: it does not exist; give"):
        load_run(Path("nothing"))
    with pytest.raises(hg.ModelError, match=r"it has no file model.safetensors; give the folder"):
        load_run(tmp_path)
    with pytest.raises(hg.ModelError, match=r"^x+ (cannot be read|is not a run)"):
        load_run(Path("x" * 300))


def test_an_interrupted_run_gives_the_command_that_completes_it(tmp_path):
    train, _ = hg.load_data("digits")
    net = RunConfig(model="softmax-regression").network(train)
    hg.fit(net, train, epochs=1, checkpoint=checkpoints(tmp_path))
    with pytest.raises(
        hg.ModelError, match=r"an interrupted run; `handgrad train --resume .*` completes it$"
    ):
        load_run(tmp_path)


def test_a_run_in_a_folder_without_access_gives_a_one_sentence_error(monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(hg.ModelError, match=r"^no/x cannot be read \(Permission denied\); give"):
        load_run(Path("no/x"))


def test_a_full_disk_gives_a_one_sentence_error_about_the_file(run, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("handgrad.files._flush", full)
    with pytest.raises(hg.StorageError, match=r"model.safetensors: cannot be written \(No space"):
        runs.write(run, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_the_name_of_its_data_needs_the_data_option():
    with pytest.raises(hg.ConfigError, match="does not name its training data; give --data"):
        load_test({})
    with pytest.raises(hg.ConfigError, match="does not name its training data; give --data"):
        load_test({"data": "my own images", "config": []})
    assert load_test({"data": {"name": "digits"}, "config": []}).name == "digits test"
    assert load_test({}, "digits").name == "digits test"


def test_a_run_is_tested_on_the_files_it_was_trained_on(tmp_path):
    about = {"data": {"name": "mnist"}, "config": {"folder": str(tmp_path / "files")}}
    with pytest.raises(hg.DataError, match=r"files is not a folder"):
        load_test(about)
    with pytest.raises(hg.DataError, match=r"other is not a folder"):
        load_test(about, data_dir=tmp_path / "other")


def own(path, images, tests=0):
    """Write arrays, and return the data description that a model trained on them stores."""
    X = np.random.default_rng(0).integers(0, 256, (images + tests, 6, 6), np.uint8)
    parts = {"train": slice(images), "test": slice(images, None)}
    held = {split: part for split, part in parts.items() if len(X[part])}
    arrays = {f"x_{split}": X[part] for split, part in held.items()}
    np.savez(path, **arrays, **{f"y_{s}": np.arange(len(X))[part] % 2 for s, part in held.items()})
    train, test = hg.load_data(str(path))
    digests = {"digest": train.digest(), "test_digest": test.digest()}
    return {"data": {"name": str(path), **digests}, "config": {}}


def test_test_images_that_are_sampled_again_are_refused(tmp_path):
    about = own(tmp_path / "own.npz", 40)
    assert len(load_test(about)) == 8
    own(tmp_path / "own.npz", 50)
    with pytest.raises(
        hg.DataError,
        match=r"^own: the images have changed since the model was trained, so a new random "
        r"test split may contain its training images; restore the images, train the model again",
    ):
        load_test(about)
    assert len(load_test(about, str(tmp_path / "own.npz"))) == 10


def test_changed_test_images_give_a_warning(tmp_path, caplog):
    about = own(tmp_path / "own.npz", 40, 5)
    assert len(load_test(about)) == 5
    assert caplog.messages == []
    own(tmp_path / "own.npz", 40, 7)
    assert len(load_test(about)) == 7
    assert caplog.messages == [
        "handgrad: own test: the images have changed since the model was trained"
    ]


@pytest.mark.parametrize("tests", [0, 8])
def test_data_of_a_version_that_did_not_scale_images_are_refused_with_the_cause(tests, tmp_path):
    path = tmp_path / "own.npz"
    X = np.random.default_rng(0).integers(0, 17, (40 + tests, 6, 6)).astype(np.float32)
    X[:, 0, 0], y = 16, np.arange(40 + tests) % 2
    more = {"x_test": X[40:], "y_test": y[40:]} if tests else {}
    np.savez(path, x_train=X[:40], y_train=y[:40], **more)
    as_they_are = hg.Dataset.from_arrays(X[:40], y[:40], pixel_range="raw")
    old = as_they_are if tests else as_they_are.split(0.2, seed=0)[0]
    config = {"validation": 0.1, "seed": 0}
    about = {"data": {"name": str(path), "digest": old.digest()}, "config": config}
    cause = (
        r"^own: when the model was trained, an earlier version of handgrad used the values 0..16 "
        r"of the images as they are, .*; train the model again$"
    )
    for load in (load_test, load_validation):
        with pytest.raises(hg.DataError, match=cause):
            load(about)
    about["data"]["digest"] = hg.load_data(str(path))[0].digest()
    assert len(load_test(about)) == 8


@pytest.mark.parametrize("name", ["digits", "./large.npz", "./large.csv"])
def test_images_of_another_kind_and_another_size_are_refused_with_advice(
    name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    X, y = np.random.default_rng(0).integers(0, 256, (6, 9, 9), np.uint8), np.arange(6) % 2
    np.savez("large.npz", x=X, y=y)
    np.savetxt("large.csv", np.column_stack([y, X.reshape(6, -1)]), "%d", delimiter=",")
    network = hg.Network([hg.Flatten(), hg.Dense()], (1, 5, 5), 2)
    with pytest.raises(
        hg.DataError, match=r"images of 1x\dx\d .* but the model takes 1x5x5; give image files"
    ):
        load_ood(name, hg.Classifier(network, pixel_range=PixelRange(0, 255)))
