"""The last step: what was chosen learns once more, from the images that judged it too."""

from __future__ import annotations

from handgrad.auto.budget import OutOfTime
from handgrad.auto.candidates import changed
from handgrad.auto.search import REFIT, Moment, Search
from handgrad.auto.speed import fitted
from handgrad.auto.trial import Trial, learned
from handgrad.errors import DivergenceError


def refit(search: Search) -> Trial | None:
    """Train what was chosen once more, on the validation images too.

    Nothing is left to judge it by: it has the settings and the epochs of what was judged. None: so
    few were set aside that they are not worth it, or there is no time.

    Args:
        search: one that is over.
    """
    chosen = search.best
    if chosen is None or not chosen.complete:
        return None
    parts, clock = search.parts_of(chosen.config), search.clock
    cost = search.cost_of_refit * chosen.seconds
    if not cost or chosen.images < len(parts.train) or cost > search.until - clock.spent:
        return None
    config = fitted(changed(chosen.config, validation=0), parts.images, chosen.config.epochs)
    trial = Trial(REFIT, config, clock.spent, len(parts.images))
    highest = max(other.accuracy for other in search.trials if other.counts)

    def tell(*, over: bool = False) -> None:
        search.watch(Moment(clock.spent, trial, highest, over))

    try:
        for engine in learned(trial, parts.images, None, clock, search.until):
            net = engine.net
            tell()
    except (OutOfTime, DivergenceError):
        return None
    trial.arrays, trial.kept = net.snapshot(), len(trial.records) - 1
    tell(over=True)
    return trial
