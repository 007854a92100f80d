import itertools
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.automl import base_config, pipeline, run_search, save
from handgrad.automl import search as search_module
from handgrad.automl.budget import TimeBudget
from handgrad.automl.candidates import with_settings
from handgrad.automl.pipeline import DataCache
from handgrad.automl.reasons import reasons
from handgrad.automl.report import report
from handgrad.automl.speed import Speed
from handgrad.classifier import read_bundle
from handgrad.ood import fit_ood
from handgrad.preprocess import drawing
from handgrad.runs import load_validation
from handgrad.runs.settings import configure
from tests.cli.test_preprocessed_arrays import drawings
from tests.explain.test_page import Reader
from tests.extras import needs


def search(data="digits", minutes=0.11, per_image=1e-4, **options):
    """Search with a simulated clock, so that the trials do not depend on the machine."""
    ticks, speed = itertools.count(), Speed(per_image, validation=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pipeline,
            "TimeBudget",
            lambda seconds: TimeBudget(seconds, lambda: next(ticks) / 1000),
        )
        patch.setattr(search_module, "measure_speed", lambda *_: speed)
        patch.setattr(search_module, "_observed_speed", lambda _: speed)
        if isinstance(data, hg.Dataset):
            return hg.auto(data, minutes, seed=3)
        return run_search(base_config(data, seed=3), minutes, progress=False, **options)


@pytest.fixture(scope="module")
def result():
    return search()


@pytest.fixture(scope="module")
def run(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("auto") / "a run"
    assert save(result, folder) == folder / "report.html"
    return folder


def test_the_model_is_accurate_and_fully_evaluated(result):
    assert result.evaluation.accuracy > 0.9
    assert result.evaluation.count == 359
    assert not result.interrupted
    assert result.classifier.calibration is not None or "not calibrated" in result.calibration
    assert 50 <= result.robustness.clean.count <= 359
    assert len(result.robustness.corrupted) == 15


def test_the_folder_contains_the_files_of_a_training_run_and_the_report(result, run):
    assert {path.name for path in run.iterdir()} == {
        *("model.safetensors", "config.toml", "report.html"),
        *("history.csv", "history.json", "history.jsonl", "training-images.npy"),
    }
    bundle = read_bundle(run)
    model, about = bundle.classifier, bundle.about
    test = hg.load_data("digits")[1]
    assert hg.evaluate(model, test).accuracy == result.evaluation.accuracy
    assert about["auto"]["reasons"] == dict(reasons(result))
    with pytest.raises(hg.ConfigError):
        load_validation(about)
    epochs = [record._asdict() for record in result.refitted.records]
    assert json.loads((run / "history.json").read_text())["epochs"] == epochs
    lines = (run / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == epochs


def test_the_final_model_is_trained_on_all_images(result):
    chosen, refitted = result.chosen, result.refitted
    assert result.final is refitted
    assert refitted.images == len(result.splits.all_but_test) == 1438
    assert chosen.images == len(result.splits.train) < refitted.images
    assert len(refitted.records) == len(chosen.records) == result.config.epochs
    assert result.config.validation == 0
    assert result.evaluation.accuracy > 0.95
    before = pipeline._classifier(chosen, result.splits)
    differ = [
        not np.array_equal(array, result.classifier.network.arrays[name])
        for name, array in before.network.arrays.items()
    ]
    assert any(differ)


def test_the_final_model_keeps_what_was_fitted_to_images_that_were_new_to_the_network(result):
    splits, final = result.splits, result.classifier
    before = pipeline._classifier(result.chosen, splits)
    words = pipeline.calibrate_on(before, splits.validation, splits.train)
    assert result.calibration == f"{words}; fitted before the final training on all images"
    assert before.calibration == final.calibration
    assert before.ood.digest() == final.ood.digest()
    assert "keeps the" in dict(reasons(result))["Training"]

    def accepted(score):
        unlike = score.is_unlike(final.network, splits.test.images, result.logits)
        return 1 - unlike.mean()

    known = splits.validation  # the final model was trained on these images
    wrong = fit_ood(final.network, splits.all_but_test, known, final.logits(known))
    assert abs(accepted(final.ood) - 0.95) < 0.04
    assert accepted(wrong) < 0.9
    assert f"accepts {accepted(final.ood):.2%} of the test images" in report(result, Path("x"))


def test_ctrl_c_during_the_refit_keeps_the_chosen_model(result):
    def interrupt(progress):
        if progress.trial.stage == search_module.REFIT:
            raise KeyboardInterrupt

    found = search(on_progress=interrupt)
    assert found.interrupted
    assert found.refitted is None
    assert found.config.validation
    assert len(found.classifier.network.arrays) == len(result.classifier.network.arrays)
    for name, array in found.chosen.arrays.items():
        assert np.array_equal(array, found.classifier.network.arrays[name])
    assert "trained again" not in report(found, Path("x"))


def test_tensorboard_gets_each_epoch(result, tmp_path):
    needs("tensorboardX")
    save(result, tmp_path, tensorboard=True)
    [events] = tmp_path.glob("events.out.tfevents.*")
    assert events.read_bytes().count(b"accuracy/training") == len(result.refitted.records)


def test_training_with_its_settings_gives_the_same_weights(result, run):
    config = configure({}, {}, run / "config.toml")
    images, _ = config.load_data()
    net = config.network(images)
    hg.fit(net, images, validation=config.validation, **vars(config.train_config(images.classes)))
    assert result.is_reproducible
    for name, array in net.arrays.items():
        assert np.array_equal(array, result.classifier.network.arrays[name]), name


def test_the_report_is_a_complete_page_that_needs_no_other_file(result, run):
    text = (run / "report.html").read_text(encoding="utf-8")
    read = Reader(text.replace("<br>", ""))
    assert all(re.match(r"data:image/(png|svg\+xml);base64,", link) for link in read.links)
    words = re.sub(r'src="[^"]*"', "", text)
    assert not re.search(r"//|@import|url\(", words)
    assert words.count("<section>") == 9
    assert f"{result.evaluation.accuracy:.1%}" in words
    assert "<title>handgrad auto: digits</title>" in words
    assert "<code>handgrad train --config</code>" in words
    assert f"handgrad predict {shlex.quote(str(run))} image.png".replace("'", "&#39;") in words
    wrong = result.evaluation.count - result.evaluation.correct
    assert words.count('<span class="wrong">') == min(wrong, 24)
    assert words.count('<td class="bar">') == 17
    assert words.count(">all images</td>") == 1
    for trial in result.search.trials:
        assert not trial.is_valid or f"<td>{trial.accuracy:.2%}</td>" in words


def test_wrong_arguments_give_a_one_sentence_error(tmp_path, monkeypatch):
    for minutes in (0, -1, float("nan"), 0.05):
        with pytest.raises(hg.ConfigError, match=r"^minutes must be at least 0.1, not "):
            run_search(base_config("digits"), minutes)
    with pytest.raises(hg.ConfigError, match=r"^data must be one of digits, mnist,"):
        base_config("digit")
    with pytest.raises(hg.DataError, match=r"nothing"):
        run_search(base_config(f"{tmp_path}/nothing"), 1)
    monkeypatch.setattr(pipeline, "TEST_SECONDS", 1e9)
    with pytest.raises(
        hg.ConfigError, match=r"^reading the images took \d of 60 seconds; increase the"
    ):
        run_search(base_config("digits"), 1)


def test_ctrl_c_keeps_the_best_model_so_far(monkeypatch):
    def interrupt(progress):
        if progress.best > 0.8:
            raise KeyboardInterrupt

    found = run_search(base_config("digits"), 5, on_progress=interrupt)
    assert found.interrupted
    assert found.seconds < 60
    assert found.evaluation.accuracy > 0.6
    assert "interrupted</dd>" in report(found, Path("x"))

    def at_once(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.Search, "run", at_once)
    with pytest.raises(KeyboardInterrupt):
        run_search(base_config("digits"), 5)


def interrupt_when_accurate(progress):
    if progress.best > 0.8:
        raise KeyboardInterrupt


def test_auto_searches_with_images_in_memory(tmp_path):
    train, test = hg.load_data("digits")
    found = hg.auto(train, 5, test=test, on_progress=interrupt_when_accurate)
    assert isinstance(found, hg.SearchResult)
    assert len(found.splits.test) == len(test)
    assert len(found.splits.all_but_test) == len(train)
    assert found.config.data == train.name
    assert "the test set of the data" in dict(reasons(found))["Validation images"]
    assert save(found, tmp_path / "run").is_file()


def test_auto_sets_a_fifth_of_the_images_aside_if_there_is_no_test_set():
    train, _ = hg.load_data("digits")
    found = hg.auto(train, minutes=5, on_progress=interrupt_when_accurate)
    assert len(found.splits.test) == pytest.approx(len(train) / 5, abs=10)
    assert "no test set" in dict(reasons(found))["Validation images"]


def test_auto_takes_the_name_of_a_data_set():
    found = hg.auto("digits", 5, on_progress=interrupt_when_accurate)
    assert len(found.splits.test) == 359
    with pytest.raises(hg.ConfigError, match="test can be given only if train is a Dataset"):
        hg.auto("digits", test=found.splits.test)


def test_auto_refuses_images_of_one_class():
    X = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), np.uint8)
    data = hg.Dataset.from_arrays(X, np.zeros(40, np.int64))
    with pytest.raises(hg.DataError, match="all images have the class 0; add images of another"):
        hg.auto(data, 0.2)


def own_drawings(train):
    """Draw digits with a black or a blue pen on white or yellow paper, away from the middle."""
    rng = np.random.default_rng(0)
    for n, x in enumerate(train.images):
        ink = np.asarray(Image.fromarray(x[0]).resize((80, 80), Image.Resampling.BICUBIC)) / 255
        paper = np.array([255, 255, 255 if n % 3 else 200])
        pen = np.array([20, 30, 160] if n % 2 else [30, 30, 30])
        page = np.ones((120, 120, 1)) * paper
        top, left = rng.integers(2, 38, 2)
        page[top : top + 80, left : left + 80] = paper + ink[..., None] * (pen - paper)
        yield page.astype(np.uint8)


@pytest.mark.slow
@pytest.mark.mnist
def test_own_drawings_in_colour_are_prepared_as_drawings_in_grey(located, tmp_path, monkeypatch):
    monkeypatch.setenv("HANDGRAD_DATA", str(located("mnist").parent))
    train = hg.load_data("mnist")[0].take(np.arange(300))
    for n, (page, label) in enumerate(zip(own_drawings(train), train.labels, strict=True)):
        path = tmp_path / "pens" / str(label) / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(page).save(path)
    result = search(str(tmp_path / "pens"), minutes=0.5, per_image=1e-3)
    plain, drawn = (
        [
            t.accuracy
            for t in result.search.ranked(search_module.SHORT)
            if t.config.preprocessing == p
        ]
        for p in (None, "drawing")
    )
    assert max(drawn) > max(plain) + 0.1
    assert result.config.preprocessing == "drawing"
    assert result.classifier.preprocessing == drawing(32)
    assert result.evaluation.accuracy > 0.85


def small_pages(train, size):
    """Return own drawings of another size, (N, size, size, 3) uint8."""
    pages = map(Image.fromarray, own_drawings(train))
    return np.stack([np.asarray(page.resize((size, size))) for page in pages])


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize("kind", ["npz", "grey csv", "memory"])
def test_own_drawings_in_arrays_are_prepared_as_drawings(kind, located, tmp_path, monkeypatch):
    monkeypatch.setenv("HANDGRAD_DATA", str(located("mnist").parent))
    train = hg.load_data("mnist")[0].take(np.arange(300))
    X, y = small_pages(train, 28), train.labels
    file = tmp_path / f"pens.{kind[-3:]}"
    if kind == "npz":
        np.savez(file, x=X, y=y)
    elif kind == "grey csv":
        rows = np.column_stack([y, X.mean(axis=3).astype(np.uint8).reshape(len(X), -1)])
        np.savetxt(file, rows, "%d", delimiter=",")
    data = hg.Dataset.from_arrays(X, y) if kind == "memory" else str(file)
    result = search(data, minutes=0.5, per_image=1e-3)
    assert result.config.preprocessing == "drawing"
    model = result.classifier
    assert model.preprocessing == replace(drawing(28), for_arrays=True)
    assert result.evaluation.accuracy > 0.85
    folder = tmp_path / "run"
    save(result, folder)
    again = hg.load_model(folder)
    assert np.array_equal(again.predict(X), [again.predict(x[None])[0] for x in X])
    if kind != "memory":
        _, test = hg.load_data(str(file), preprocessing=again.preprocessing)
        assert hg.evaluate(again, test).accuracy == result.evaluation.accuracy


def test_arrays_in_memory_are_preprocessed_like_those_in_a_file(tmp_path):
    X, y = drawings(0, 60)
    np.savez(tmp_path / "x.npz", x=X[:40], y=y[:40], x_test=X[40:], y_test=y[40:])
    data = hg.Dataset.from_arrays(X[:40], y[:40]), hg.Dataset.from_arrays(X[40:], y[40:])
    found = []
    for cache in (DataCache(False), DataCache(False, data)):
        base = base_config(str(tmp_path / "x.npz"))
        other = with_settings(base, preprocessing="drawing", size=24)
        assert cache.splits_for(base).train.shape == (1, 24, 24)
        assert cache.splits_for(other).train.preprocessing.for_arrays
        found.append(cache.splits_for(other))
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one.images, other.images)
        assert np.array_equal(one.labels, other.labels)
