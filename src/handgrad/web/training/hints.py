"""Hints: rules that recognize usual problems of a training run from measured numbers.

Each rule compares one number with a limit, and proposes settings that usually help:

- ``lr-too-high``: the mean loss of the last 20 batches is above 1.5 times the loss before the first
  update (or, of a resumed run, that of the first epoch). The loss of a healthy run falls from
  there; batches differ by less than half. Remedy: half of the learning rate.
- ``diverged``: a value became NaN or infinite. Remedy: half of the learning rate.
  Both this rule and the next need a loss above half of that of guessing, ln K: a network that
  starts with a small loss has little to lose or to gain.
- ``not-falling``: after 100 steps, the mean loss of the last 20 batches is still above 0.9 times
  that of the first 20. Every named network with its default settings falls below half by then.
  Remedy: three times the learning rate, or, if it is above the default already, the default.
- ``dead-relus``: half of the ReLU units are zero for all of 128 training images, so that no
  gradient passes through them. A unit may rest for some images; the named networks have at most a
  quarter of such units. Remedy: half of the learning rate, which keeps further units alive.
- ``vanishing-gradients``: relative to its weights, the gradient of the first layer is less than a
  thousandth of that of the last layer, so that the first layer hardly learns. For the named
  networks it is above a hundredth. Remedy: adamw, which divides the gradient by its size.
- ``overfitting``: the validation loss is more than 1.1 times its lowest value, which is at least 3
  epochs old, while the training loss is lower than then. Smaller differences are chance with a few
  hundred validation images. Remedy: augmentation, or else more weight decay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from handgrad.runs.config import RunConfig
from handgrad.runs.fields import LRS, WEIGHT_DECAY
from handgrad.train import Epoch

RISEN_LOSS = 1.5
SHARE_OF_GUESSING = 0.5
FALLEN_LOSS, STEPS_TO_FALL = 0.9, 100
DEAD_SHARE = 0.5
GRADIENT_RATIO = 1e-3
VALIDATION_RISE, EPOCHS_SINCE_BEST = 1.1, 3


class Facts(NamedTuple):
    """What is known about a run; None if it was not measured.

    Attributes:
        config: the settings.
        classes: the number of classes.
        records: the records of the finished epochs.
        steps: the number of updates so far.
        initial_loss: the loss of the first batch, before the first update.
        first_loss: the mean loss of the first 20 batches.
        recent_loss: the mean loss of the last 20 batches.
        dead: the share of ReLU units that are zero for all images of a sample.
        gradient_ratio: the relative gradient of the first layer divided by that of the last.
        diverged_at: the step in which a value became NaN or infinite; -1 if it was the first step
            after a checkpoint, so that resuming does not help.
    """

    config: RunConfig
    classes: int
    records: Sequence[Epoch]
    steps: int = 0
    initial_loss: float | None = None
    first_loss: float | None = None
    recent_loss: float | None = None
    dead: float | None = None
    gradient_ratio: float | None = None
    diverged_at: int | None = None


class Hint(NamedTuple):
    """A recognized problem.

    Attributes:
        name: the name of the rule.
        number: the measured number.
        limit: the number from which the rule applies.
        remedy: the settings that usually help.
        starts_again: whether the remedy needs a new run, because the setting cannot change.
    """

    name: str
    number: float
    limit: float
    remedy: dict[str, Any]
    starts_again: bool = False


def hints(facts: Facts) -> list[Hint]:
    """Return the hints of all rules that apply."""
    return [hint for rule in RULES if (hint := rule(facts)) is not None]


def diverged(facts: Facts) -> Hint | None:
    """NaN or infinity: the learning rate is too high."""
    if facts.diverged_at is None:
        return None
    again = facts.diverged_at < 0
    remedy = _half_lr(facts.config, 0.1 if again else 0.5)
    return Hint("diverged", facts.config.lr, facts.config.lr, remedy, again)


def lr_too_high(facts: Facts) -> Hint | None:
    """The loss has risen since the beginning."""
    first = facts.initial_loss
    if first is None and facts.records:
        first = facts.records[0].loss
    if first is None or facts.recent_loss is None:
        return None
    number = facts.recent_loss / max(first, 1e-12)
    if not (number > RISEN_LOSS and _is_large(facts.recent_loss, facts)):
        return None
    return Hint("lr-too-high", number, RISEN_LOSS, _half_lr(facts.config))


def not_falling(facts: Facts) -> Hint | None:
    """The loss is where it was in the beginning."""
    first, recent = facts.first_loss, facts.recent_loss
    if facts.steps < STEPS_TO_FALL or first is None or recent is None:
        return None
    number = recent / max(first, 1e-12)
    if not (FALLEN_LOSS < number <= RISEN_LOSS and _is_large(recent, facts)):
        return None
    usual = LRS[facts.config.optimizer]
    lr = usual if facts.config.lr > usual else min(3 * facts.config.lr, usual)
    return Hint("not-falling", number, FALLEN_LOSS, {"lr": _rounded(lr)})


def dead_relus(facts: Facts) -> Hint | None:
    """Many ReLU units are zero for all images."""
    if facts.dead is None or facts.dead < DEAD_SHARE:
        return None
    return Hint("dead-relus", facts.dead, DEAD_SHARE, _half_lr(facts.config))


def vanishing_gradients(facts: Facts) -> Hint | None:
    """The first layer hardly learns."""
    ratio = facts.gradient_ratio
    if ratio is None or ratio >= GRADIENT_RATIO:
        return None
    if facts.config.optimizer in ("adam", "adamw"):
        # Batch norm and a shortcut keep the gradients of this network at a similar size.
        remedy: dict[str, Any] = {"model": "smallnet"}
    else:
        remedy = {"optimizer": "adamw", "lr": LRS["adamw"]}
    return Hint("vanishing-gradients", ratio, GRADIENT_RATIO, remedy, starts_again=True)


def overfitting(facts: Facts) -> Hint | None:
    """The validation loss rises while the training loss falls."""
    known = [r for r in facts.records if r.validation_loss is not None]
    if len(known) <= EPOCHS_SINCE_BEST:
        return None
    best, last = min(known, key=_validation_loss), known[-1]
    number = _validation_loss(last) / max(_validation_loss(best), 1e-12)
    is_old = last.number - best.number >= EPOCHS_SINCE_BEST
    if not (number > VALIDATION_RISE and is_old and last.loss < best.loss):
        return None
    return Hint("overfitting", number, VALIDATION_RISE, _against_overfitting(facts.config))


RULES: tuple[Callable[[Facts], Hint | None], ...] = (
    diverged,
    lr_too_high,
    not_falling,
    dead_relus,
    vanishing_gradients,
    overfitting,
)


def _is_large(loss: float, facts: Facts) -> bool:
    """Return whether a loss is closer to that of guessing than to zero."""
    return loss > SHARE_OF_GUESSING * math.log(facts.classes)


def _validation_loss(record: Epoch) -> float:
    return record.validation_loss if record.validation_loss is not None else float("inf")


def _half_lr(config: RunConfig, factor: float = 0.5) -> dict[str, Any]:
    return {"lr": _rounded(config.lr * factor)}


def _against_overfitting(config: RunConfig) -> dict[str, Any]:
    if config.augment == "none":
        return {"augment": "light"}
    if config.optimizer == "adam":
        return {"label_smoothing": 0.1}
    return {"weight_decay": _rounded(max(3 * (config.weight_decay or 0.0), WEIGHT_DECAY))}


def _rounded(number: float) -> float:
    """Return a number with three significant digits, as people write it."""
    return float(f"{number:.3g}")
