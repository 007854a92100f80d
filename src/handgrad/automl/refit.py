"""The last step of a search: train the chosen candidate again, on the validation images too."""

from __future__ import annotations

from handgrad.automl.budget import OutOfTime
from handgrad.automl.candidates import with_settings
from handgrad.automl.search import REFIT, Search, SearchProgress
from handgrad.automl.speed import with_epochs
from handgrad.automl.trial import Trial, train_trial
from handgrad.errors import DivergenceError


def refit(search: Search) -> Trial | None:
    """Train the chosen candidate on the training and validation images together.

    This training run cannot be validated, because no images are left. It therefore uses the
    settings and the number of epochs of a trial that was validated.

    Args:
        search: a finished search.

    Returns:
        The trial, or None if there are too few validation images for refitting to be worthwhile, or
        if no time is left.
    """
    chosen = search.best
    if chosen is None or not chosen.is_complete:
        return None
    splits, budget = search.splits_for(chosen.config), search.budget
    cost = search.refit_cost * chosen.seconds
    images = splits.all_but_test
    if not cost or chosen.images < len(splits.train) or cost > search.deadline - budget.elapsed:
        return None
    config = with_settings(chosen.config, validation=0)
    trial = Trial(
        REFIT, with_epochs(config, images, chosen.config.epochs), budget.elapsed, len(images)
    )
    highest = max(other.accuracy for other in search.trials if other.is_valid)

    def report(*, is_over: bool = False) -> None:
        search.on_progress(SearchProgress(budget.elapsed, trial, highest, is_over))

    try:
        for engine in train_trial(trial, images, None, budget, search.deadline):
            net = engine.net
            report()
    except (OutOfTime, DivergenceError):
        return None
    trial.arrays, trial.kept = net.snapshot(), len(trial.records) - 1
    report(is_over=True)
    return trial
