"""Tests of the search with simulated trials."""

import pytest

import handgrad as hg
from handgrad.automl import search as search_module
from handgrad.automl.budget import TimeBudget
from handgrad.automl.candidates import NETWORKS, describe, with_settings
from handgrad.automl.data_profile import DataProfile
from handgrad.automl.search import Search
from handgrad.automl.speed import DataSplits, Speed
from handgrad.automl.trial import standard_error
from handgrad.runs.settings import configure
from handgrad.train import Epoch

ACCURACY = {"smallnet": 0.9, "two-layer": 0.7, "fashion-mlp": 0.85}


@pytest.fixture
def made(monkeypatch):
    """Return a function that creates a search whose accuracies depend on network and time."""
    now = [0.0]

    def measure_speed(config, _):
        now[0] += 0.1
        return Speed(1e-3 if config.model == "smallnet" else 1e-4, 0.01)

    def run_trial(trial, _parts, _speed, clock, *, seconds, on_epoch, **_):
        took = min(seconds, 5.0) if trial.config.model == "two-layer" else seconds
        now[0] += took
        accuracy = ACCURACY.get(trial.config.model, 0.6) - 1 / (5 + took)
        accuracy += 0.03 * ("flip" in trial.config.augment)
        trial.config = trial.config.model_copy(update={"epochs": 1})
        trial.records.append(Epoch(1, 1.0, 0.5, 1 - accuracy, accuracy, 0.1, 1.0, 1.0, best=True))
        trial.times.append(clock.elapsed)
        trial.kept = 0
        on_epoch()

    monkeypatch.setattr(search_module, "measure_speed", measure_speed)
    monkeypatch.setattr(search_module, "run_trial", run_trial)
    images, test = hg.load_data("digits")
    parts = DataSplits(images, *images.split(0.2), test)
    profile = DataProfile(
        can_preprocess=False, has_test=True, background=0.5, dark_background=True, issues=None
    )

    def make(seconds):
        progress = []
        clock = TimeBudget(seconds, now=lambda: now[0])
        base = configure({"patience": 0}, {})
        made = Search(base, profile, clock, seconds, lambda _: parts, progress.append)
        made.run()
        return made, progress

    return make


def test_the_best_candidate_is_trained_in_the_final_stage(made):
    search, progress = made(300)
    stages = [trial.stage for trial in search.trials]
    assert stages == sorted(stages, key=["short", "longer", "final"].index)
    fitting = [model for model, _ in NETWORKS if model not in ("convnet", "lenet5")]
    assert stages.count("short") == len(fitting)
    assert (
        describe(search.best.config) == "smallnet, learning rate 0.01, images shifted and mirrored"
    )
    assert search.best is search.trials[-1]
    assert search.trials[-1].stage == "final"
    assert search.budget.elapsed == pytest.approx(300, abs=1)
    assert search.skipped == 0
    assert progress[-1].is_over
    assert progress[-1].best == search.best.accuracy
    assert [m.seconds for m in progress] == sorted(m.seconds for m in progress)


def test_longer_trials_try_few_networks_and_each_augmentation(made):
    search, _ = made(300)
    longer = [trial.config for trial in search.trials if trial.stage == "longer"]
    assert [config.augment for config in longer[:2]] == ["shift=0.07"] * 2
    assert {config.model for config in longer[:2]} == {"smallnet", "fashion-mlp"}
    assert {config.model for config in longer[2:]} == {"smallnet"}
    assert len(longer[2:]) == 4


def test_a_network_that_could_not_finish_its_epochs_survives(made, monkeypatch):
    monkeypatch.setitem(ACCURACY, "smallnet", 0.5)
    search, _ = made(300)
    assert "smallnet" not in [t.candidate.model for t in search.ranked(search_module.SHORT)[:4]]
    longer = [trial.candidate for trial in search.trials if trial.stage == "longer"]
    assert len({config.model for config in longer}) == 2
    for trial in search.trials:
        if trial.candidate.model != "smallnet":
            trial.records *= search_module.SHORT.epochs
    assert [config.model for config in search._survivors()][2:] == ["smallnet"]


def test_the_fastest_candidates_come_first_and_leave_time_to_the_others(made):
    search, _ = made(300)
    short = [trial for trial in search.trials if trial.stage == "short"]
    assert [t.config.model for t in short[-2:]] == ["smallnet", "smallnet"]
    assert short[-1].seconds > 1.1 * 0.25 * 300 / len(short)


def test_other_preprocessings_are_tried_although_the_first_trials_took_too_long(made, monkeypatch):
    simulated = search_module.run_trial

    def prepared(config, *_):
        return [with_settings(config, label_smoothing=0.1)]

    def run_trial(trial, *arguments, seconds, **named):
        slowdown = 1 if trial.candidate.label_smoothing else 4
        simulated(trial, *arguments, seconds=slowdown * seconds, **named)

    monkeypatch.setattr(search_module, "preprocessings", prepared)
    monkeypatch.setattr(search_module, "run_trial", run_trial)
    search, _ = made(20)
    short = [trial.candidate.label_smoothing for trial in search.trials if trial.stage == "short"]
    assert short == [0, 0.1]
    assert search.trials[0].times[-1] > 0.25 * 20


@pytest.mark.parametrize("seconds", [0.5, 2, 4, 8, 20])
def test_a_short_budget_is_kept(made, seconds):
    search, _ = made(seconds)
    assert search.best is not None
    assert search.budget.elapsed <= max(seconds, search_module.GRACE) + 1
    if seconds <= 2:
        assert [trial.stage for trial in search.trials] == ["final"]
        assert search.best.config.model == "smallnet"
        assert search.skipped > 0


def test_a_clearly_more_accurate_shorter_trial_is_best(made):
    search, _ = made(300)
    last, longer = search.trials[-1], search.ranked(search_module.LONGER)[0]
    off = search_module.CLEAR_MARGIN * standard_error(last.accuracy, 287)
    for accuracy, best in (
        (last.accuracy + 1.01 * off, longer),
        (last.accuracy + 0.99 * off, last),
    ):
        longer.records[0] = longer.records[0]._replace(validation_accuracy=accuracy)
        assert search.best is best
    last.diverged = True
    assert search.best is longer


def test_time_is_reserved_for_the_refit(made):
    search, _ = made(600)
    assert search.refit_cost == pytest.approx(1 / 0.8, abs=0.01)
    assert search.best is search.trials[-1]
    again = search_module.SLACK * search.refit_cost * search.best.seconds
    assert search.budget.elapsed + again == pytest.approx(600, abs=1)


def test_no_refit_if_few_images_are_for_validation(made, monkeypatch):
    monkeypatch.setattr(search_module, "MIN_REFIT_SHARE", 0.3)
    search, _ = made(600)
    assert search.refit_cost == 0
    assert search.budget.elapsed == pytest.approx(600, abs=1)


def test_a_slow_final_training_may_use_the_time_reserved_for_the_refit(made, monkeypatch):
    given = []
    quick = search_module.run_trial

    def run_trial(*arguments, overtime, **named):
        given.append((named["seconds"], overtime))
        quick(*arguments, overtime=overtime, **named)

    monkeypatch.setattr(search_module, "run_trial", run_trial)
    search, _ = made(600)
    lasts = [given[n] for n, trial in enumerate(search.trials) if trial.stage == "final"]
    seconds, overtime = lasts[0]
    assert overtime == pytest.approx(search_module.SLACK * search.refit_cost * seconds)
    assert not any(overtime for _, overtime in given[: len(given) - len(lasts)])
