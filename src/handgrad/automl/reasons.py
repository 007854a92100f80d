"""Sentences that explain what a search chose, and why."""

from __future__ import annotations

from handgrad.automl.candidates import describe, describe_augmentation
from handgrad.automl.result import SearchResult
from handgrad.automl.search import FINAL, LONGER, SHORT
from handgrad.automl.trial import Trial


def reasons(result: SearchResult) -> list[tuple[str, str]]:
    """Return a (topic, explanation) pair for each decision of the search."""
    return [
        ("Validation images", _validation(result)),
        ("Preprocessing", _preprocessing(result)),
        ("Network and learning rate", _network(result)),
        ("Augmentation", _augmentation(result)),
        ("Batch size and class weights", _batches(result)),
        ("Training", _training(result)),
        ("Reproducibility", _reproducibility(result)),
    ]


def _validation(result: SearchResult) -> str:
    images, train, validation, test = result.splits
    origin = {
        True: "the test set of the data",
        False: "a fifth of each class, because the data have no test set",
        None: "the test set of the data, or a fifth of each class if the data have none",
    }[result.profile.has_test]
    share = f"{result.chosen.config.validation:.0%}"
    together = " At the end, the model is trained on the training and validation images together."
    refitted = together if result.refitted else ""
    return (
        f"{len(validation):,} of {len(images):,} images, {share} of each class, are used to "
        "choose the model and to calibrate it. Candidates are trained on the other "
        f"{len(train):,} images."
        f"{refitted} The {len(test):,} test images ({origin}) are used once, after the choice."
    )


def _preprocessing(result: SearchResult) -> str:
    shape = "x".join(map(str, result.splits.train.shape))
    name = result.config.preprocessing or "plain"
    tried = [t for t in result.search.trials if t.config.preprocessing is not None and t.is_valid]
    if not result.profile.can_preprocess:
        return (
            f"The images are used unchanged ({shape}), because they are a standard data set, "
            "because the range of their values is not known, or because there are too many of them "
            "to preprocess them more than once."
        )
    if not tried:
        return (
            f"{name}, to {shape}. No other preprocessing was tried, because the alternatives "
            "suit only images of an object on a background, or because no time "
            "was left."
        )
    first = tried[0].config
    same = [
        trial
        for trial in result.search.ranked(SHORT)
        if (trial.config.model, trial.config.lr) == (first.model, first.lr)
    ]
    scores = ", ".join(f"{t.config.preprocessing or 'plain'} {t.accuracy:.2%}" for t in same)
    return f"{name}, to {shape}. Validation accuracy with {first.model}: {scores}."


def _network(result: SearchResult) -> str:
    search = result.search
    short, longer = search.ranked(SHORT), search.ranked(LONGER)
    if len(short) < 2:
        return f"{describe(result.config)}: the default. There was no time to compare candidates."
    text = f"{result.config.model} at learning rate {result.config.lr:g}. "
    text += f"{len(short)} candidates were tried"
    if longer:
        networks = dict.fromkeys(trial.config.model for trial in search.trials if trial in longer)
        text += f", and {' and '.join(networks)} for longer"
    skipped = f" There was no time to try {search.skipped} more." if search.skipped else ""
    text += (
        ". Among the candidates whose accuracy is within one standard error of the highest, the "
        "one with the lowest loss is considered the best."
    )
    if any(trial.is_valid for trial in search.trials if trial.stage == FINAL.name):
        text += (
            " The best candidate was trained for the rest of the time. Another trial is chosen "
            "instead only if its accuracy is higher by at least two standard errors."
        )
    return text + skipped


def _augmentation(result: SearchResult) -> str:
    text = f"The training images were {describe_augmentation(result.config)}"
    if result.config.average_weights:
        text += "; the weights are averaged over one epoch"
    model, longer = result.config.model, result.search.ranked(LONGER)
    same = [t for t in longer if t.config.model == model and not t.config.average_weights]
    if len(same) > 1:
        scores = ", ".join(f"{describe_augmentation(t.config)} {t.accuracy:.2%}" for t in same)
        text += f". Validation accuracy with {model}: {scores}"
    return f"{text}."


def _batches(result: SearchResult) -> str:
    config, counts = result.config, result.splits.all_but_test.counts
    weights = (
        "rare classes get larger weights, so that all classes have the same total weight"
        if config.class_weights == "balanced"
        else "all images have the same weight"
    )
    low, high = counts.min(), counts.max()
    each = f"{low:,} images each" if low == high else f"{low:,} to {high:,} images"
    return (
        f"The batch size, {config.batch_size}, depends on the number of images. The classes have "
        f"{each}, so {weights}."
    )


def _training(result: SearchResult) -> str:
    chosen = result.chosen
    epochs = f"{len(chosen.records)} of {chosen.config.epochs} epochs"
    images = f"{chosen.images:,} images in {chosen.seconds:.1f} s"
    text = f"{epochs} on {images}"
    if chosen.stage == FINAL.name:
        share = "half of" if result.refitted else "all"
        text += (
            f". The chosen candidate was trained for {share} the remaining time or, if this was "
            "shorter, for the largest useful number of epochs."
        )
    else:
        last = (t for t in result.search.trials if t.stage == FINAL.name and t.is_valid)
        text += f". {_compared(next(last, None))}"
    if not chosen.is_complete:
        best = chosen.records[chosen.kept].number
        text += (
            f" The time was up before the last epoch. The weights of epoch {best}, the most "
            "accurate one, are kept."
        )
    return text + _refit(result)


def _refit(result: SearchResult) -> str:
    refitted = result.refitted
    if refitted is None:
        return ""
    text = (
        f" Then the model was trained again with the same settings on all {refitted.images:,} "
        f"images that are not test images, in {refitted.seconds:.1f} s. This is the final model."
    )
    kept = {
        "calibration": result.classifier.calibration,
        "out-of-distribution score": result.classifier.ood,
    }
    if names := " and the ".join(name for name, fitted in kept.items() if fitted):
        text += (
            f" It keeps the {names} that were fitted to the validation images before this, because "
            "no images are left to which they could be fitted again. The same settings give almost "
            "the same distribution of logits on new images. The test images check this: see "
            "Calibration."
        )
    return text


def _compared(final: Trial | None) -> str:
    if final is None:
        return "The chosen candidate was not trained for longer."
    return f"After longer training, the validation accuracy was {final.accuracy:.2%}."


def _reproducibility(result: SearchResult) -> str:
    if result.is_reproducible:
        command = (
            "`handgrad train --config` with the config.toml in this folder trains the same "
            "network again."
        )
        if result.refitted:
            command += " It does not calibrate this network."
    else:
        command = "The config.toml in this folder contains the settings."
    return (
        "The number of epochs of a trial depends on the speed of the machine, so the same seed may "
        f"lead to a different choice. {command}"
    )
