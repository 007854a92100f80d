import itertools
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.auto import beginning, fit, search, write
from handgrad.auto import pipeline as whole
from handgrad.auto.budget import Clock
from handgrad.auto.reasons import reasons, same_again
from handgrad.auto.report import report
from handgrad.auto.speed import Speed
from handgrad.classifier.model_file import about_model
from handgrad.runs import load_validation
from handgrad.runs.settings import configure
from tests.explain.test_page import Reader
from tests.extras import needs


def undisturbed(**options):
    """Return what comes of digits on a machine that nobody disturbs: its time is made up."""
    ticks, speed = itertools.count(), Speed(image=1e-4, judging=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole, "Clock", lambda seconds: Clock(seconds, lambda: next(ticks) / 1000))
        patch.setattr(search, "measured", lambda *_: speed)
        patch.setattr(search, "_seen", lambda _: speed)
        return fit(beginning("digits", seed=3), 0.11, progress=False, **options)


@pytest.fixture(scope="module")
def outcome():
    return undisturbed()


@pytest.fixture(scope="module")
def run(outcome, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit") / "a run"
    assert write(outcome, folder) == folder / "report.html"
    return folder


def test_it_learns_and_is_tested_in_many_ways(outcome):
    assert outcome.evaluation.accuracy > 0.9
    assert outcome.evaluation.count == 359
    assert not outcome.interrupted
    assert outcome.net.calibration is not None or "not calibrated" in outcome.trust
    assert 50 <= outcome.robustness.clean.count <= 359
    assert len(outcome.robustness.damaged) == 15


def test_the_run_holds_what_a_run_holds(outcome, run):
    assert {path.name for path in run.iterdir()} == {
        *("model.safetensors", "config.toml", "report.html"),
        *("history.csv", "history.json", "history.jsonl"),
    }
    net, about = hg.load_model(run / "model.safetensors"), about_model(run / "model.safetensors")
    test = hg.load_data("digits")[1]
    assert hg.evaluate(net, test).accuracy == outcome.evaluation.accuracy
    assert about["fit"]["why"] == dict(reasons(outcome))
    with pytest.raises(hg.ConfigError, match=r"set no images aside; give others by --data"):
        load_validation(about)
    epochs = [record._asdict() for record in outcome.again.records]
    assert json.loads((run / "history.json").read_text())["epochs"] == epochs
    lines = (run / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == epochs


def test_in_the_end_it_learns_from_all_images_and_probabilities_are_judged_before(outcome):
    chosen, again = outcome.chosen, outcome.again
    assert outcome.final is again
    assert again.images == len(outcome.parts.images) == 1438
    assert chosen.images == len(outcome.parts.train) < again.images
    assert len(again.records) == len(chosen.records) == outcome.config.epochs
    assert outcome.config.validation == 0
    assert outcome.evaluation.accuracy > 0.95
    before = whole._network(chosen, outcome.parts)
    assert whole.trust(before, outcome.parts.validation) == outcome.trust
    assert before.calibration == outcome.net.calibration
    differ = [
        not np.array_equal(array, outcome.net.arrays[name]) for name, array in before.arrays.items()
    ]
    assert any(differ)


def test_ctrl_c_in_the_last_training_keeps_what_was_judged(outcome):
    def interrupt(moment):
        if moment.trial.stage == search.REFIT:
            raise KeyboardInterrupt

    found = undisturbed(watch=interrupt)
    assert found.interrupted
    assert found.again is None
    assert found.config.validation
    assert len(found.net.arrays) == len(outcome.net.arrays)
    for name, array in found.chosen.arrays.items():
        assert np.array_equal(array, found.net.arrays[name])
    assert "once more" not in report(found, Path("x"))


def test_tensorboard_is_told_of_each_epoch(outcome, tmp_path):
    needs("tensorboardX")
    write(outcome, tmp_path, tensorboard=True)
    [events] = tmp_path.glob("events.out.tfevents.*")
    assert events.read_bytes().count(b"accuracy/training") == len(outcome.again.records)


def test_its_settings_train_the_same_network_again(outcome, run):
    config = configure({}, {}, run / "config.toml")
    images, _ = config.load_data()
    net = config.network(images)
    hg.fit(net, images, config.validation, **vars(config.recipe(images.classes)))
    assert same_again(outcome)
    for name, array in net.arrays.items():
        assert np.array_equal(array, outcome.net.arrays[name]), name


def test_the_report_is_a_whole_page_that_needs_no_other(outcome, run):
    text = (run / "report.html").read_text(encoding="utf-8")
    read = Reader(text.replace("<br>", ""))
    assert all(re.match(r"data:image/(png|svg\+xml);base64,", link) for link in read.links)
    words = re.sub(r'src="[^"]*"', "", text)
    assert not re.search(r"//|@import|url\(", words)
    assert words.count("<section>") == 9
    assert f"{outcome.evaluation.accuracy:.1%}" in words
    assert "<title>handgrad fit: digits</title>" in words
    assert f"handgrad predict {shlex.quote(str(run))} image.png".replace("'", "&#39;") in words
    wrong = outcome.evaluation.count - outcome.evaluation.right
    assert words.count('<span class="wrong">') == min(wrong, 24)
    assert words.count('<td class="bar">') == 17
    assert words.count(">on all</td>") == 1
    for trial in outcome.search.trials:
        assert not trial.counts or f"<td>{trial.accuracy:.2%}</td>" in words


def test_what_is_wrong_is_one_sentence(tmp_path, monkeypatch):
    for minutes in (0, -1, float("nan"), 0.05):
        with pytest.raises(hg.ConfigError, match=r"^minutes must be at least 0.1, not "):
            fit(beginning("digits"), minutes)
    with pytest.raises(hg.ConfigError, match=r"^data must be one of digits, mnist,"):
        beginning("digit")
    with pytest.raises(hg.DataError, match=r"^there is no .*nothing; give a folder of images"):
        fit(beginning(f"{tmp_path}/nothing"), 1)
    monkeypatch.setattr(whole, "FOR_THE_END", 1e9)
    with pytest.raises(hg.ConfigError, match=r"^reading the images took \d of 60 seconds; give m"):
        fit(beginning("digits"), 1)


def test_ctrl_c_keeps_the_best_so_far(monkeypatch):
    def interrupt(moment):
        if moment.best > 0.8:
            raise KeyboardInterrupt

    found = fit(beginning("digits"), 5, watch=interrupt)
    assert found.interrupted
    assert found.seconds < 60
    assert found.evaluation.accuracy > 0.6
    assert "interrupted</dd>" in report(found, Path("x"))

    def at_once(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(whole.Search, "go", at_once)
    with pytest.raises(KeyboardInterrupt):
        fit(beginning("digits"), 5)
