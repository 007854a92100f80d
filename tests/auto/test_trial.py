import pytest

import handgrad as hg
from handgrad.auto.budget import Clock
from handgrad.auto.speed import Parts, Speed
from handgrad.auto.trial import Trial, attempt, ranked, standard_error
from handgrad.runs.settings import configure
from handgrad.train import Epoch


def config(**settings):
    return configure({"model": "two-layer", "patience": 0} | settings, {})


def nothing():
    pass


def trial(accuracy, loss, **settings):
    record = Epoch(1, 1.0, 0.5, loss, accuracy, 0.1, 1.0, 1.0, best=True)
    return Trial("short", config(epochs=1, **settings), records=[record], times=[1.0])


@pytest.fixture(scope="module")
def parts():
    images, test = hg.load_data("digits")
    return Parts(images, *images.split(0.2), test)


def test_equals_are_told_apart_by_their_loss():
    assert standard_error(0.8, 400) == pytest.approx(0.02)
    best, equal, worse, worst = (
        *(trial(0.80, 0.9), trial(0.79, 0.5), trial(0.77, 0.4), trial(0.5, 0.1)),
    )
    assert ranked([worst, best, worse, equal], 400) == [equal, best, worse, worst]
    assert ranked([], 400) == []


def test_a_trial_makes_the_epochs_that_there_is_time_for_and_keeps_the_last(parts):
    tried, seen = Trial("short", config()), []
    watch = lambda: seen.append(len(tried.records))  # noqa: E731
    attempt(tried, parts, Speed(1e-3, 0.0), Clock(60), seconds=10.0, most=50, watch=watch)
    assert tried.config.epochs == int(0.9 * 10 / (1e-3 * len(parts.train))) == 7
    assert seen == [*range(1, 8)]
    assert tried.complete
    assert tried.counts
    assert tried.kept == 6
    assert tried.images == len(parts.train)
    net = tried.config.network(parts.train)
    net.restore(tried.arrays)
    net.is_fitted = True
    found = hg.evaluate(net, parts.validation)
    assert found.accuracy == tried.accuracy
    assert found.loss == pytest.approx(tried.loss, rel=1e-4)
    assert len(tried.history) == 7
    assert not tried.history.stopped_early


def test_where_the_mean_of_the_weights_is_judged_it_is_kept(parts):
    tried = Trial("short", config(average_weights=2))
    attempt(tried, parts, Speed(1e-3, 0.0), Clock(60), seconds=6.0, most=50, watch=nothing)
    net = tried.config.network(parts.train)
    net.restore(tried.arrays)
    net.is_fitted = True
    assert hg.evaluate(net, parts.validation).accuracy == tried.accuracy


def test_where_time_is_over_the_best_so_far_is_kept(parts):
    now = [0.0]
    tried = Trial("short", config(lr=0.1))

    def watch():
        now[0] += 1.0

    attempt(
        tried,
        parts,
        Speed(1e-4, 0.0),
        Clock(60, now=lambda: now[0]),
        seconds=3.0,
        most=20,
        watch=watch,
    )
    assert len(tried.records) == 3
    assert not tried.complete
    assert tried.history.stopped_early
    assert tried.times == [0, 1, 2]
    assert tried.accuracy == max(record.validation_accuracy for record in tried.records)


def test_where_there_is_no_time_for_all_images_some_are_enough(parts):
    tried = Trial("short", config())
    attempt(tried, parts, Speed(1.0, 0.0), Clock(1e6), seconds=1000.0, most=50, watch=nothing)
    assert tried.config.epochs == 3
    assert tried.images == pytest.approx(300, abs=3)
    assert tried.complete


def test_what_diverges_counts_for_nothing(parts):
    tried = Trial("short", config(optimizer="sgd", lr=1e30, schedule="constant"))
    attempt(tried, parts, Speed(1e-4, 0.0), Clock(60), seconds=1.0, most=5, watch=nothing)
    assert tried.diverged
    assert not tried.counts
