"""The endpoints of the view Compare return what Python's own functions return."""

import json
import time
from pathlib import Path
from threading import RLock
from unittest.mock import Mock

import numpy as np
import pytest
from scipy.stats import binomtest

import handgrad as hg
from handgrad.engine_comparison import compare_engines
from handgrad.errors import DataError
from handgrad.web.answers import answers_of
from handgrad.web.comparison import agreement, chance_of_difference, different_settings
from handgrad.web.endpoint import FAILED
from handgrad.web.lockstep import Lockstep, _train, parameter_titles, step_json
from handgrad.web.routes import compare
from handgrad.web.session import Session
from tests.web.asking import Asker, finished_run, unpacked
from tests.web.test_evaluate import write_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def made(folder):
    """Return two runs on digits, one on other images, and entries that cannot be read."""
    write_folder(folder / "own")
    runs = {
        "a": finished_run(folder / "runs/a", data="digits", model="two-layer", epochs=3),
        "b": finished_run(
            folder / "runs/b", data="digits", model="softmax-regression", epochs=2, lr=0.02
        ),
        "other": finished_run(
            folder / "runs/other", data=str(folder / "own"), model="softmax-regression", epochs=2
        ),
    }
    (folder / "runs/broken").mkdir()
    (folder / "runs/broken/model.safetensors").write_bytes(b"x" * 50)
    (folder / "runs/empty").mkdir()
    (folder / "runs/.hidden").mkdir()
    (folder / "runs/notes.txt").write_text("not a run")
    return runs


@pytest.fixture
def asker(folder, made):
    assert made
    session = Session(folder / "runs/a", runs=folder / "runs")
    yield Asker(compare.routes(session))
    session.close()


def test_the_list_has_each_run_once_and_the_reason_why_one_cannot_be_read(asker, folder):
    runs = {run["name"]: run for run in asker.get("/api/compare/runs")[1]["runs"]}
    assert set(runs) == {"", "b", "other", "broken", "empty"}
    assert (runs[""]["title"], runs[""]["model"], runs[""]["data"]) == ("a", "two-layer", "digits")
    assert "not a complete safetensors file" in runs["broken"]["error"]
    assert "has no file model.safetensors" in runs["empty"]["error"]
    assert str(folder) not in json.dumps(runs)


def test_a_comparison_equals_pythons(asker, made, folder):
    found = asker.until_over("/api/compare", a="", b="b")["result"]
    a, b = made["a"], made["b"]
    test = a.test
    given = [run.classifier.logits(test).argmax(axis=1) for run in (a, b)]
    right = [answers == test.labels for answers in given]
    shown = found["agreement"]
    assert found["same_data"] is True
    assert shown["same"] == (given[0] == given[1]).sum()
    assert shown["both"] == (right[0] & right[1]).sum()
    assert shown["only"] == [(right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()]
    assert shown["neither"] == (~right[0] & ~right[1]).sum()
    assert shown["both"] + sum(shown["only"]) + shown["neither"] == shown["count"] == len(test)
    assert shown["accuracies"] == [a.evaluation.accuracy, b.evaluation.accuracy]
    assert shown["trained_on"] == [0, 0]
    for k in (0, 1):
        assert unpacked(shown["answers"][k]).tolist() == given[k].tolist()
    different = {entry["name"]: entry["values"] for entry in found["settings"]}
    assert different["model"] == ["two-layer", "softmax-regression"]
    assert (different["epochs"], different["lr"]) == (["3", "2"], ["0.01", "0.02"])
    for run, name in zip(found["runs"], "ab", strict=True):
        history = json.loads((folder / "runs" / name / "history.json").read_text())["epochs"]
        assert run["history"]["validation_loss"] == [epoch["validation_loss"] for epoch in history]
        assert run["history"]["number"] == [epoch["number"] for epoch in history]
    _, images = asker.post("/api/compare/images", {"a": "", "b": "b", "indices": [4]})
    assert np.array_equal(unpacked(images["images"]), test.images[4:5])


def test_models_of_different_data_are_compared_as_far_as_possible(asker):
    found = asker.until_over("/api/compare", a="", b="other")["result"]
    assert (found["same_data"], found["agreement"]) == (False, None)
    assert found["reason"].startswith("the test images of a do not fit other: ")
    assert [len(run["history"]["loss"]) for run in found["runs"]] == [3, 2]
    assert found["runs"][1]["accuracy"] is not None
    status, error = asker.post("/api/compare/images", {"a": "", "b": "other", "indices": [0]})
    assert (status, error["error"]) == (400, "the two models were not compared on the same images")


@pytest.mark.parametrize(
    "name", ["..", "../own", "/etc", "broken", "empty", ".hidden", "x\0y", "A"]
)
def test_only_a_readable_run_of_the_list_is_accepted(asker, name):
    status, found = asker.get("/api/compare", a="", b=name)
    assert status == 400
    assert found["error"]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"epochs": 3}', '{"epochs": [3]}', '{"epochs": [{"number": "x"}]}']
)
def test_a_damaged_history_leaves_the_rest_of_the_comparison(asker, folder, text):
    file = folder / "runs/b/history.json"
    before = file.read_text()
    file.write_text(text)
    try:
        found = asker.until_over("/api/compare", a="b", b="")["result"]
    finally:
        file.write_text(before)
    assert found["runs"][0]["history"]["number"] == []
    assert found["agreement"] is not None


def test_answers_are_compared_by_the_names_of_the_classes(made):
    run = made["a"]
    reverse = list(range(9, -1, -1))
    net = run.classifier.network.copy()
    arrays = net.snapshot()
    last = [name for name in arrays if name.startswith(f"{len(net.layers) - 1}.")]
    net.restore(arrays | {name: arrays[name][reverse].copy() for name in last})
    turned = hg.Classifier(net, tuple(run.classifier.classes[k] for k in reverse))
    one, other = (
        answers_of(model, run.test, RLock(), lambda *_: None) for model in (run.classifier, turned)
    )
    found = agreement(one, other)
    assert found["same"] == found["count"]
    assert found["accuracies"][0] == found["accuracies"][1] == run.evaluation.accuracy


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (3, 9), (5, 5), (400, 350)])
def test_the_chance_of_a_difference_is_that_of_the_binomial_test(first, second):
    n = first + second
    expected = binomtest(first, n).pvalue if n else 1.0
    assert chance_of_difference(first, second) == pytest.approx(expected)


def test_settings_of_old_and_foreign_models_do_not_fail():
    assert different_settings({}, {"config": None}) == []
    assert different_settings({"config": {"lr": 0.1, "out": "/x"}}, {}) == [
        {"name": "lr", "values": ["0.1", ""]}
    ]


def test_a_step_of_the_engines_has_the_largest_difference_of_each_parameter():
    train, _ = hg.load_data("digits")
    net = hg.Network([hg.Flatten(), hg.Dense()], train.shape, 10)
    seen = []

    def watch(runs):
        runs[1].net.parameters["1.weight"][3, 5] += 1e-5
        seen.append((step_json(runs), [run.net.parameters["1.weight"].copy() for run in runs]))

    compare_engines(
        net, train, engines={"reference": "reference", "b": "reference"}, steps=2, watch=watch
    )
    assert parameter_titles(net) == {"1.weight": "1 (Dense) weight", "1.bias": "1 (Dense) bias"}
    for found, (ours, theirs) in seen:
        assert found["largest"]["b"]["1.weight"] == np.abs(ours.astype(float) - theirs).max() > 0
        assert found["largest"]["b"]["1.bias"] < 1e-6
        assert found["weights"]["b"]["1.weight"] == theirs.ravel()[:5].tolist()
        assert found["seconds"].keys() == {"reference", "b"}


def small_lockstep(steps: int) -> Lockstep:
    train, _ = hg.load_data("digits")
    net = hg.Network([hg.Flatten(), hg.Dense()], train.shape, 10, dtype=np.float64)
    engines = ["reference", "auto"]  # in float64, "auto" is also the reference engine
    return Lockstep(net, train.take(range(128)), engines=engines, steps=steps, batch_size=32)


def test_the_engines_run_in_a_child_process_that_is_polled():
    lockstep = small_lockstep(3)
    end = time.monotonic() + 60
    while not (state := lockstep.poll())["is_over"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert (state["error"], state["ok"], len(state["steps"])) == ("", True, 3)
    assert state["steps"][2]["largest"]["auto"] == {"1.weight": 0.0, "1.bias": 0.0}
    assert state["seconds"].keys() == {"reference", "auto"}
    lockstep.stop()
    assert lockstep.poll()["error"] == ""


def test_a_stopped_engine_comparison_leaves_no_process():
    lockstep = small_lockstep(50)
    start = time.monotonic()
    lockstep.stop()
    assert time.monotonic() - start < 2
    assert not lockstep._process.is_alive()
    assert lockstep.poll()["error"] == "the comparison was stopped"


def test_without_pytorch_one_sentence_says_how_to_install_it(asker, monkeypatch):
    monkeypatch.setattr(compare, "find_spec", lambda _: None)
    assert asker.get("/api/compare/engines")[1] == {"total": 0, "missing": compare.NO_TORCH}
    monkeypatch.setattr(compare, "installed_engines", lambda _: ["reference"])
    status, found = asker.post("/api/compare/engines", {"steps": 2})
    assert (status, found["error"]) == (400, compare.NO_TORCH)


@pytest.mark.parametrize("steps", [0, 51, "x"])
def test_the_number_of_steps_is_limited(asker, steps):
    assert asker.post("/api/compare/engines", {"steps": steps})[0] == 400


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DataError("/home/me/x.png cannot be read"), "x.png cannot be read"),
        (ZeroDivisionError("at /home/me"), FAILED),
    ],
)
def test_a_failure_of_the_engines_is_one_sentence_without_a_path(error, sentence, monkeypatch):
    monkeypatch.setattr("handgrad.web.lockstep.signal.signal", lambda *_: None)
    monkeypatch.setattr("handgrad.web.lockstep.compare_engines", Mock(side_effect=error))
    server = Mock(recv=lambda: (None, None, {}))
    _train(server)
    server.send.assert_called_once_with(("end", {"error": sentence}))
