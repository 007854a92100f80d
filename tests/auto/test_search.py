"""The search with trials that take no time but the one they are said to take."""

import pytest

import handgrad as hg
from handgrad.auto import search as search_module
from handgrad.auto.budget import Clock
from handgrad.auto.candidates import NETWORKS, words
from handgrad.auto.data_profile import Look
from handgrad.auto.search import Search
from handgrad.auto.speed import Parts, Speed
from handgrad.auto.trial import standard_error
from handgrad.runs.settings import configure
from handgrad.train import Epoch

ACCURACY = {"smallnet": 0.9, "two-layer": 0.7, "fashion-mlp": 0.85}


@pytest.fixture
def made(monkeypatch):
    """Return what makes a search; how good a trial is follows from its network and its time."""
    now = [0.0]

    def measured(config, _):
        now[0] += 0.1
        return Speed(1e-3 if config.model == "smallnet" else 1e-4, 0.01)

    def attempt(trial, _parts, _speed, clock, *, seconds, watch, **_):
        took = min(seconds, 5.0) if trial.config.model == "two-layer" else seconds
        now[0] += took
        accuracy = ACCURACY.get(trial.config.model, 0.6) - 1 / (5 + took)
        accuracy += 0.03 * ("flip" in trial.config.augment)
        trial.config = trial.config.model_copy(update={"epochs": 1})
        trial.records.append(Epoch(1, 1.0, 0.5, 1 - accuracy, accuracy, 0.1, 1.0, 1.0, best=True))
        trial.times.append(clock.spent)
        trial.kept = 0
        watch()

    monkeypatch.setattr(search_module, "measured", measured)
    monkeypatch.setattr(search_module, "attempt", attempt)
    images, test = hg.load_data("digits")
    parts = Parts(images, *images.split(0.2), test)
    look = Look(files=False, own_test=True, ground=0.5, dark=True, issues=None)

    def make(seconds):
        moments = []
        clock = Clock(seconds, now=lambda: now[0])
        base = configure({"patience": 0}, {})
        made = Search(base, look, clock, seconds, lambda _: parts, moments.append)
        made.go()
        return made, moments

    return make


def test_the_best_is_found_and_trained_to_the_end(made):
    search, moments = made(300)
    stages = [trial.stage for trial in search.trials]
    assert stages == sorted(stages, key=["short", "longer", "last"].index)
    fitting = [model for model, _ in NETWORKS if model not in ("convnet", "lenet5")]
    assert stages.count("short") == len(fitting)
    assert words(search.best.config) == "smallnet, learning rate 0.01, shifted and mirrored"
    assert search.best is search.trials[-1]
    assert search.trials[-1].stage == "last"
    assert search.clock.spent == pytest.approx(300, abs=1)
    assert search.left_out == 0
    assert moments[-1].over
    assert moments[-1].best == search.best.accuracy
    assert [m.seconds for m in moments] == sorted(m.seconds for m in moments)


def test_longer_trials_are_for_few_networks_and_each_augmentation(made):
    search, _ = made(300)
    longer = [trial.config for trial in search.trials if trial.stage == "longer"]
    assert [config.augment for config in longer[:2]] == ["shift=0.07"] * 2
    assert {config.model for config in longer[:2]} == {"smallnet", "fashion-mlp"}
    assert {config.model for config in longer[2:]} == {"smallnet"}
    assert len(longer[2:]) == 4


def test_a_network_that_had_no_time_for_all_its_epochs_goes_on_too(made, monkeypatch):
    monkeypatch.setitem(ACCURACY, "smallnet", 0.5)
    search, _ = made(300)
    assert "smallnet" not in [t.asked.model for t in search.ranked(search_module.SHORT)[:4]]
    longer = [trial.asked for trial in search.trials if trial.stage == "longer"]
    assert len({config.model for config in longer}) == 2
    for trial in search.trials:
        if trial.asked.model != "smallnet":
            trial.records *= search_module.SHORT.epochs
    assert [config.model for config in search._survivors()][2:] == ["smallnet"]


def test_the_quickest_are_first_and_leave_time_to_the_others(made):
    search, _ = made(300)
    short = [trial for trial in search.trials if trial.stage == "short"]
    assert [t.config.model for t in short[-2:]] == ["smallnet", "smallnet"]
    assert short[-1].seconds > 1.1 * 0.25 * 300 / len(short)


@pytest.mark.parametrize("seconds", [0.5, 2, 4, 8, 20])
def test_little_time_is_kept_to(made, seconds):
    search, _ = made(seconds)
    assert search.best is not None
    assert search.clock.spent <= max(seconds, search_module.GRACE) + 1
    if seconds <= 2:
        assert [trial.stage for trial in search.trials] == ["last"]
        assert search.best.config.model == "smallnet"
        assert search.left_out > 0


def test_a_shorter_trial_is_taken_where_it_is_clearly_better(made):
    search, _ = made(300)
    last, longer = search.trials[-1], search.ranked(search_module.LONGER)[0]
    off = search_module.CLEARLY * standard_error(last.accuracy, 287)
    for accuracy, best in (
        (last.accuracy + 1.01 * off, longer),
        (last.accuracy + 0.99 * off, last),
    ):
        longer.records[0] = longer.records[0]._replace(validation_accuracy=accuracy)
        assert search.best is best
    last.diverged = True
    assert search.best is longer


def test_time_is_kept_to_learn_again_where_there_is_enough(made):
    search, _ = made(600)
    assert search.cost_of_refit == pytest.approx(1 / 0.8, abs=0.01)
    assert search.best is search.trials[-1]
    again = search_module.SLACK * search.cost_of_refit * search.best.seconds
    assert search.clock.spent + again == pytest.approx(600, abs=1)


def test_few_images_set_aside_are_not_worth_learning_from(made, monkeypatch):
    monkeypatch.setattr(search_module, "WORTH", 0.3)
    search, _ = made(600)
    assert search.cost_of_refit == 0
    assert search.clock.spent == pytest.approx(600, abs=1)


def test_a_last_training_that_is_held_up_goes_on_in_the_time_kept_for_the_next(made, monkeypatch):
    given = []
    quick = search_module.attempt

    def attempt(*arguments, late, **named):
        given.append((named["seconds"], late))
        quick(*arguments, late=late, **named)

    monkeypatch.setattr(search_module, "attempt", attempt)
    search, _ = made(600)
    lasts = [given[n] for n, trial in enumerate(search.trials) if trial.stage == "last"]
    seconds, late = lasts[0]
    assert late == pytest.approx(search_module.SLACK * search.cost_of_refit * seconds)
    assert not any(late for _, late in given[: len(given) - len(lasts)])
