"""What was chosen, and why, in sentences."""

from __future__ import annotations

from handgrad.auto.candidates import augmented, words
from handgrad.auto.pipeline import Outcome
from handgrad.auto.search import LAST, LONGER, SHORT
from handgrad.auto.trial import Trial


def reasons(outcome: Outcome) -> list[tuple[str, str]]:
    """Return each thing that was chosen, with what speaks for it."""
    return [
        ("Set aside", _set_aside(outcome)),
        ("Preprocessing", _preprocessing(outcome)),
        ("Network and learning rate", _network(outcome)),
        ("Augmentation", _augmentation(outcome)),
        ("Batches and weights", _settings(outcome)),
        ("Training", _training(outcome)),
        ("Another time", _another_time(outcome)),
    ]


def same_again(outcome: Outcome) -> bool:
    """Say whether the settings alone lead to the same network."""
    chosen = outcome.chosen
    return bool(outcome.again) or (chosen.complete and chosen.images == len(outcome.parts.train))


def _set_aside(outcome: Outcome) -> str:
    images, train, validation, test = outcome.parts
    whose = {
        True: "the data's own test",
        False: "a fifth of each class, for the folder has no test of its own",
        None: "the data's own test, or a fifth of each class where it has none",
    }[outcome.look.own_test]
    share = f"{outcome.chosen.config.validation:.0%}"
    in_the_end = ", in the end all of them" if outcome.again else ""
    return (
        f"{len(validation):,} of {len(images):,} images, {share} of "
        f"each class, to choose and to calibrate by; {len(train):,} are learned from{in_the_end}. "
        f"The {len(test):,} test images ({whose}) were looked at once, when all was chosen."
    )


def _preprocessing(outcome: Outcome) -> str:
    shape = "x".join(map(str, outcome.parts.train.shape))
    name = outcome.config.preprocessing or "plain"
    tried = [t for t in outcome.search.trials if t.config.preprocessing is not None and t.counts]
    if not outcome.look.files:
        return f"As they come, {shape}: they are no files, or too many to be read several times."
    if not tried:
        return f"{name}, to {shape}; others suit grey images on a ground, or had no time."
    first = tried[0].config
    same = [
        trial
        for trial in outcome.search.ranked(SHORT)
        if (trial.config.model, trial.config.lr) == (first.model, first.lr)
    ]
    told = ", ".join(f"{t.config.preprocessing or 'plain'} {t.accuracy:.2%}" for t in same)
    return f"{name}, to {shape}. Tried with {first.model}: {told}."


def _network(outcome: Outcome) -> str:
    search = outcome.search
    short, longer = search.ranked(SHORT), search.ranked(LONGER)
    if len(short) < 2:
        return f"{words(outcome.config)}: the one to begin with; there was no time to compare."
    led_to = ""
    said = f"{outcome.config.model} at {outcome.config.lr:g}. {len(short)} candidates were tried"
    if longer:
        networks = dict.fromkeys(trial.config.model for trial in search.trials if trial in longer)
        said += f", for longer {' and '.join(networks)}"
    if any(trial.counts for trial in search.trials if trial.stage == LAST.name):
        led_to = (
            " What this led to was trained to the end, and stays unless another is more accurate "
            "by two standard errors."
        )
    left = f" There was no time for {search.left_out} more." if search.left_out else ""
    return (
        f"{said}. Of those whose accuracy is within chance of the highest, the one with the lowest "
        f"loss counts as best.{led_to}{left}"
    )


def _augmentation(outcome: Outcome) -> str:
    """Return which ways of changing the training images were tried."""
    said = f"The images it learned from were {augmented(outcome.config)}"
    if outcome.config.average_weights:
        said += "; the mean of the weights over an epoch is kept"
    model, longer = outcome.config.model, outcome.search.ranked(LONGER)
    same = [t for t in longer if t.config.model == model and not t.config.average_weights]
    if len(same) > 1:
        told = ", ".join(f"{augmented(t.config)} {t.accuracy:.2%}" for t in same)
        said += f". Tried with {model}: {told}"
    return f"{said}."


def _settings(outcome: Outcome) -> str:
    config, counts = outcome.config, outcome.parts.images.counts
    weights = (
        "rare classes count more, as much in all as the others"
        if config.class_weights == "balanced"
        else "each counts the same"
    )
    low, high = counts.min(), counts.max()
    each = f"{low:,} images each" if low == high else f"{low:,} to {high:,} images"
    return (
        f"{config.batch_size} images in an update, by their number; the classes have {each}, so "
        f"{weights}."
    )


def _training(outcome: Outcome) -> str:
    chosen = outcome.chosen
    made = f"{len(chosen.records)} of {chosen.config.epochs} epochs"
    of = f"{chosen.images:,} images in {chosen.seconds:.0f} s"
    if chosen.stage == LAST.name:
        time = "half of the time" if outcome.again else "all the time"
        what = f"{made} of {of}, {time} that was left or as much as is of use."
    else:
        last = next((t for t in outcome.search.trials if t.stage == LAST.name and t.counts), None)
        what = f"{made} of {of}. " + _against(last)
    if not chosen.complete:
        best = chosen.records[chosen.kept].number
        what += (
            f" The time was over before its end; the weights of epoch {best} are kept, the best."
        )
    return what + _once_more(outcome)


def _once_more(outcome: Outcome) -> str:
    again = outcome.again
    if again is None:
        return ""
    calibration = "; its calibration is that of the one before, for nothing was left to judge it by"
    return (
        f" Then the same settings were trained once more, on all {again.images:,} images in "
        f"{again.seconds:.0f} s: those set aside are worth learning from too. This is the model"
        f"{calibration if outcome.classifier.calibration else ''}."
    )


def _against(last: Trial | None) -> str:
    if last is None:
        return "It was not trained any longer."
    return f"Trained longer it had {last.accuracy:.2%} on validation."


def _another_time(outcome: Outcome) -> str:
    again = (
        "`handgrad train --config` with the config.toml beside this page trains this very network "
        f"again{', without its calibration' if outcome.again else ''}."
        if same_again(outcome)
        else "The config.toml beside this page has its settings."
    )
    return (
        "How far each trial comes depends on the machine and what else it does: the same seed may "
        f"lead to another choice. {again}"
    )
