"""The comparison of two models: their settings, and their answers for the same test images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import Classifier
from handgrad.data import Dataset
from handgrad.errors import ConfigError, DataError
from handgrad.runs import knows_all_training_images, load_test, model_file, used_in_training
from handgrad.web.answers import Answers, Report, answers_of
from handgrad.web.endpoint import packed, without_paths
from handgrad.web.listed_runs import ListedRun
from handgrad.web.session import Session

_PLACES = ("out", "data_dir", "checkpoint_minutes", "figures")  # settings without influence


class Side(NamedTuple):
    """One of the two models.

    Attributes:
        run: the run.
        classifier: its model.
    """

    run: ListedRun
    classifier: Classifier


class Comparison(NamedTuple):
    """The comparison of two models.

    Attributes:
        test: the test images on which both were evaluated, or None if that was not possible.
        data_name: the name or path of these images.
        described: the result as JSON data.
    """

    test: Dataset | None
    data_name: str | None
    described: dict[str, Any]


def compare(first: Side, second: Side, session: Session, report: Report) -> Comparison:
    """Compare two models on the test images of the first one.

    Args:
        first: the first model.
        second: the second model.
        session: the session, for the folder of the data and the lock of the engines.
        report: a function that is given the number of images done so far and of all images.
    """
    sides = (first, second)
    described: dict[str, Any] = {
        "runs": [_describe(side) for side in sides],
        "settings": different_settings(first.run.about, second.run.about),
        "same_data": _same_data(first.run, second.run),
        "agreement": None,
        "reason": "",
    }
    name = first.run.entry("data", "name")
    try:
        one, other = _answers_of_both(first, second, session, report)
    except (DataError, ConfigError) as error:
        return Comparison(None, name, described | {"reason": without_paths(str(error))})
    seen = [_trained_on(side, found.test) for side, found in zip(sides, (one, other), strict=True)]
    described["agreement"] = agreement(one, other) | {"trained_on": seen}
    return Comparison(one.test, name, described)


def different_settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the settings that differ between two runs: name, value in each, as texts.

    Args:
        first: the metadata of the first run.
        second: the metadata of the second run.
    """
    one, other = (_settings(about) for about in (first, second))
    names = [name for name in dict.fromkeys([*one, *other]) if name not in _PLACES]
    return [
        {"name": name, "values": [_text(one.get(name)), _text(other.get(name))]}
        for name in names
        if one.get(name) != other.get(name)
    ]


def agreement(one: Answers, other: Answers) -> dict[str, Any]:
    """Compare the answers of two models for the same images, and return JSON data.

    Args:
        one: the answers of the first model.
        other: the answers of the second model, which may have other classes in another order.
    """
    names = list(dict.fromkeys(str(c) for a in (one, other) for c in a.classifier.classes))
    index = [np.array([names.index(str(c)) for c in a.classifier.classes]) for a in (one, other)]
    labels = index[0][one.test.labels]
    answers = [own[found.answers] for own, found in zip(index, (one, other), strict=True)]
    right = [given == labels for given in answers]
    only = [int((right[k] & ~right[1 - k]).sum()) for k in (0, 1)]
    return {
        "data": one.test.name,
        "count": len(labels),
        "classes": names,
        "accuracies": [found.evaluation.accuracy for found in (one, other)],
        "intervals": [list(found.evaluation.interval) for found in (one, other)],
        "same": int((answers[0] == answers[1]).sum()),
        "both": int((right[0] & right[1]).sum()),
        "only": only,
        "neither": int((~right[0] & ~right[1]).sum()),
        "chance": chance_of_difference(*only),
        "labels": packed(labels),
        "answers": [packed(given) for given in answers],
        "confidence": [packed(found.p.max(axis=1)) for found in (one, other)],
    }


def chance_of_difference(first: int, second: int) -> float:
    """Return the probability of a difference at least this large between two equally good models.

    Only images that exactly one model classifies correctly count: between equally good models, each
    model has half of them, apart from chance (McNemar's exact test).

    >>> chance_of_difference(1, 9)
    0.021484375

    Args:
        first: the number of images that only the first model classifies correctly.
        second: the number of images that only the second model classifies correctly.
    """
    n, fewer = first + second, min(first, second)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n)


def _answers_of_both(
    first: Side, second: Side, session: Session, report: Report
) -> tuple[Answers, Answers]:
    """Return the answers of two models for the test images of the first.

    Each model gets the images as its own preprocessing makes them.

    Raises:
        ConfigError: if the first model file does not name its data.
        DataError: if the images do not fit the second model.
    """
    found = list[Answers]()
    for k, side in enumerate((first, second)):
        classifier = side.classifier
        test = load_test(
            first.run.about,
            None,
            session.data_dir,
            progress=False,
            preprocessing=classifier.preprocessing,
        )
        N = len(test)

        def both(done: int, _: int, start: int = k * N, most: int = 2 * N) -> None:
            report(start + done, most)

        try:
            found.append(answers_of(classifier, test, session.compute, both))
        except DataError as error:
            raise DataError(
                f"the test images of {first.run.path.name} do not fit {side.run.path.name}: {error}"
            ) from None
    one, other = found
    if _label_names(one.test) != _label_names(other.test):
        raise DataError("the two models divide the same images differently into test images")
    return one, other


def _trained_on(side: Side, test: Dataset) -> int | None:
    """Return how many of some images a model was trained on, or None if this is not known."""
    about = side.run.about
    seen: NDArray[np.bool_] | None = used_in_training(
        model_file(side.run.path), about, side.classifier, test, None
    )
    return None if seen is None or not knows_all_training_images(about) else int(seen.sum())


def _describe(side: Side) -> dict[str, Any]:
    """Return the facts about a model that need no images, as JSON data."""
    net = side.classifier.network
    return side.run.to_json() | {
        "history": side.run.history(),
        "parameters": sum(array.size for array in net.parameters.values()),
        "layers": [type(layer).__name__ for layer in net.layers],
        "test_images": side.run.entry("scores", "test_images"),
    }


def _same_data(first: ListedRun, second: ListedRun) -> bool | None:
    """Return whether two runs have the same training and test images, or None if unknown."""
    digests = [
        [run.entry("data", name) for name in ("digest", "test_digest")] for run in (first, second)
    ]
    if any(None in digest for digest in digests):
        return None
    return digests[0] == digests[1]


def _settings(about: Mapping[str, Any]) -> dict[str, Any]:
    config = about.get("config")
    return config if isinstance(config, dict) else {}


def _text(value: Any) -> str:
    """Return a setting as text; "" if the run does not have it."""
    return "" if value is None else without_paths(str(value))


def _label_names(test: Dataset) -> list[str]:
    return [str(test.classes[k]) for k in test.labels.tolist()]
