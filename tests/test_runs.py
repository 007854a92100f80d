import csv
import errno
import json
import os
import threading
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad import runs
from handgrad.bundle import about_model
from handgrad.config import Config
from handgrad.runs import Run, load_run, load_test, settle, unfinished


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def run():
    config = Config(model="softmax-regression", epochs=2, seed=5, out="here")
    train, test = hg.load("digits")
    net = config.network(train)
    history = hg.fit(net, train, **vars(config.recipe(train.classes)))
    return Run(config, net, history, train, test, hg.evaluate(net, test))


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("done") / "r"
    runs.write(run, folder)
    return folder


def put(out=None, name="a"):
    with unfinished(out) as hidden:
        (hidden / "file").write_text("x")
        return settle(hidden, out, name)


def test_runs_are_numbered_and_nothing_hidden_stays():
    assert [put(), put(), put(name="b")] == [Path(f"runs/{n}") for n in ("a-1", "a-2", "b-1")]
    assert sorted(p.name for p in Path("runs").iterdir()) == ["a-1", "a-2", "b-1"]


def test_runs_that_end_together_get_places_of_their_own():
    together, places = threading.Barrier(8), []

    def end():
        with unfinished(None) as hidden:
            (hidden / "file").write_text("x")
            together.wait()
            places.append(settle(hidden, None, "a"))

    threads = [threading.Thread(target=end) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(places) == [Path(f"runs/a-{n}") for n in range(1, 9)]
    assert all((place / "file").exists() for place in places)


@pytest.mark.parametrize("out", [None, Path("new/deep/run")])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_is_not_settled_leaves_nothing(out, error, tmp_path):
    with pytest.raises(error), unfinished(out) as hidden:  # noqa: PT012
        (hidden / "file").write_text("x")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_goes_after_a_day():
    for name, hours in (("old", 25), ("new", 23)):
        hidden = Path("runs") / f".unfinished-{name}"
        hidden.mkdir(parents=True)
        (hidden / "file").write_text("x")
        long_ago = time.time() - hours * 3600
        os.utime(hidden, (long_ago, long_ago))
    put()
    assert sorted(p.name for p in Path("runs").iterdir()) == [".unfinished-new", "a-1"]


def test_a_failed_run_leaves_other_runs_alone():
    put()
    with pytest.raises(ValueError, match="no"), unfinished(None):
        raise ValueError("no")
    assert [p.name for p in Path("runs").iterdir()] == ["a-1"]


def test_out_may_be_an_empty_folder_but_no_other():
    Path("empty").mkdir()
    assert put(Path("empty")) == Path("empty")
    with pytest.raises(hg.ConfigError, match=r"^empty is there already, and no empty folder; give"):
        put(Path("empty"))
    assert [p.name for p in Path("empty").iterdir()] == ["file"]
    Path("text").write_text("mine")
    with pytest.raises(hg.ConfigError, match=r"^text is there already"):
        put(Path("text"))
    assert Path("text").read_text() == "mine"


def test_out_that_cannot_be_replaced_is_refused_before_the_work(tmp_path, monkeypatch):
    Path("empty").mkdir()
    Path("to-empty").symlink_to("empty")
    Path("to-nothing").symlink_to("nothing")
    refused = pytest.raises(hg.ConfigError, match=r"is a link, a mount point or the current folder")
    for out in ("to-empty", "to-nothing"):
        with refused, unfinished(Path(out)):
            pytest.fail("the work began")
    monkeypatch.chdir("empty")
    for out in (".", tmp_path / "empty"):
        with refused, unfinished(Path(out)):
            pytest.fail("the work began")
    assert list((tmp_path / "empty").iterdir()) == []


def test_an_empty_mount_point_is_refused_before_the_work(monkeypatch):
    Path("disk").mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    with pytest.raises(hg.ConfigError, match=r"^disk is a link, a mount point or"):
        put(Path("disk"))


def test_out_in_a_folder_that_may_not_be_entered_is_one_sentence(monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "lstat", denied)
    with pytest.raises(hg.ConfigError, match=r"^no/x cannot be written to \(Permission denied\)"):
        put(Path("no/x"))


def test_a_run_in_a_folder_that_may_not_be_entered_is_one_sentence(monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(hg.ModelError, match=r"^no/x cannot be read \(Permission denied\); give"):
        load_run(Path("no/x"))


def test_a_name_that_is_too_long_is_refused_before_the_work():
    long = Path("x" * 300)
    with pytest.raises(hg.ConfigError, match=r"^x+ cannot be written to \(.*long\); give --out"):
        put(long)
    with pytest.raises(hg.ModelError, match=r"^x+ (cannot be read|is no run)"):
        load_run(long)


@pytest.mark.parametrize(("out", "place"), [(None, "runs"), (Path("new/run"), "new/run")])
def test_a_full_disk_is_one_sentence_about_the_place_that_was_given(run, out, place, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("handgrad.files._flush", full)
    with pytest.raises(hg.ConfigError) as caught, unfinished(out) as hidden:
        runs.write(run, hidden)
    assert str(caught.value) == (
        f"{place} cannot be written to (No space left on device); give --out another place"
    )
    assert not Path(place).exists()


def test_out_that_is_filled_meanwhile_is_not_touched():
    with pytest.raises(hg.ConfigError, match="has been filled meanwhile"):  # noqa: PT012, SIM117
        with unfinished(Path("out")) as hidden:
            Path("out").mkdir()
            Path("out/mine").write_text("x")
            settle(hidden, Path("out"), "a")
    assert [p.name for p in Path("out").iterdir()] == ["mine"]


def test_a_place_that_cannot_be_written_to_is_named_before_the_work():
    Path("file").write_text("x")
    with pytest.raises(hg.ConfigError, match=r"^file cannot be written to \(.*\); give --out"):
        put(Path("file/run"))


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


def test_the_model_file_says_how_it_came_about(run, folder):
    about = about_model(folder / "model.safetensors")
    assert about["data"] == {"name": "digits", "digest": run.train.digest()}
    assert about["seed"] == 5
    assert about["scores"]["test_accuracy"] == run.evaluation.accuracy
    assert about["scores"]["test_pictures"] == 359
    assert about["versions"]["handgrad"] == hg.__version__
    written = tomllib.loads((folder / "config.toml").read_text())
    assert written == about["config"] == run.config.plain()
    assert Config(**written).recipe(range(10)) == run.config.recipe(range(10))


@pytest.mark.parametrize("file", ["", "model.safetensors"])
def test_a_run_is_loaded_by_its_folder_or_its_file(run, folder, file):
    net, about = load_run(folder / file)
    assert np.array_equal(net.logits(run.test.pictures), run.net.logits(run.test.pictures))
    test = load_test(about)
    assert hg.evaluate(net, test).accuracy == run.evaluation.accuracy


def test_what_is_no_run_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(hg.ModelError, match="nothing is no run: there is no such path; give"):
        load_run(Path("nothing"))
    with pytest.raises(hg.ModelError, match=r"there is no file model.safetensors; give the folder"):
        load_run(tmp_path)


def test_a_model_that_does_not_say_its_data_needs_to_be_told():
    with pytest.raises(hg.ConfigError, match="does not say what it was trained on; give --data"):
        load_test({})
    with pytest.raises(hg.ConfigError, match="does not say what it was trained on; give --data"):
        load_test({"data": "my own pictures", "config": []})
    assert load_test({"data": {"name": "digits"}, "config": []}).name == "digits test"
    assert load_test({}, "digits").name == "digits test"


def test_a_run_is_tested_on_the_files_it_was_trained_on(tmp_path):
    about = {"data": {"name": "mnist"}, "config": {"folder": str(tmp_path / "files")}}
    with pytest.raises(hg.DataError, match=r"files is no folder"):
        load_test(about)
    with pytest.raises(hg.DataError, match=r"other is no folder"):
        load_test(about, folder=tmp_path / "other")
