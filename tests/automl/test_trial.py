import pytest

import handgrad as hg
from handgrad.automl.budget import TimeBudget
from handgrad.automl.speed import DataSplits, Speed
from handgrad.automl.trial import Trial, rank, run_trial, standard_error
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
    return DataSplits(images, *images.split(0.2), test)


def test_rank_orders_equal_accuracies_by_loss():
    assert standard_error(0.8, 400) == pytest.approx(0.02)
    best, equal, worse, worst = (
        *(trial(0.80, 0.9), trial(0.79, 0.5), trial(0.77, 0.4), trial(0.5, 0.1)),
    )
    assert rank([worst, best, worse, equal], 400) == [equal, best, worse, worst]
    assert rank([], 400) == []


def test_a_trial_trains_as_many_epochs_as_fit_and_keeps_the_last(parts):
    tried, seen = Trial("short", config()), []
    watch = lambda: seen.append(len(tried.records))  # noqa: E731
    run_trial(
        tried, parts, Speed(1e-3, 0.0), TimeBudget(60), seconds=10.0, max_epochs=50, on_epoch=watch
    )
    assert tried.config.epochs == int(0.9 * 10 / (1e-3 * len(parts.train))) == 7
    assert seen == [*range(1, 8)]
    assert tried.is_complete
    assert tried.is_valid
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


def test_averaged_weights_are_kept(parts):
    tried = Trial("short", config(average_weights=2))
    run_trial(
        tried, parts, Speed(1e-3, 0.0), TimeBudget(60), seconds=6.0, max_epochs=50, on_epoch=nothing
    )
    net = tried.config.network(parts.train)
    net.restore(tried.arrays)
    net.is_fitted = True
    assert hg.evaluate(net, parts.validation).accuracy == tried.accuracy


def test_the_best_epoch_is_kept_if_the_time_is_over(parts):
    now = [0.0]
    tried = Trial("short", config(lr=0.1))

    def watch():
        now[0] += 1.0

    run_trial(
        tried,
        parts,
        Speed(1e-4, 0.0),
        TimeBudget(60, now=lambda: now[0]),
        seconds=3.0,
        max_epochs=20,
        on_epoch=watch,
    )
    assert len(tried.records) == 3
    assert not tried.is_complete
    assert tried.history.stopped_early
    assert tried.times == [0, 1, 2]
    assert tried.accuracy == max(record.validation_accuracy for record in tried.records)


def test_fewer_images_are_used_if_there_is_no_time_for_all(parts):
    tried = Trial("short", config())
    run_trial(
        tried,
        parts,
        Speed(1.0, 0.0),
        TimeBudget(1e6),
        seconds=1000.0,
        max_epochs=50,
        on_epoch=nothing,
    )
    assert tried.config.epochs == 3
    assert tried.images == pytest.approx(300, abs=3)
    assert tried.is_complete


def test_a_diverged_trial_is_not_valid(parts):
    tried = Trial("short", config(optimizer="sgd", lr=1e30, schedule="constant"))
    run_trial(
        tried, parts, Speed(1e-4, 0.0), TimeBudget(60), seconds=1.0, max_epochs=5, on_epoch=nothing
    )
    assert tried.diverged
    assert not tried.is_valid
