"""The endpoints of the view Evaluate."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from starlette.routing import BaseRoute

from handgrad.data.corruptions import CORRUPTIONS, STRENGTHS
from handgrad.errors import ConfigError
from handgrad.runs import (
    is_test_data_of,
    knows_all_training_images,
    model_file,
    used_in_training,
)
from handgrad.web.answers import Answers, answers_of, images_json
from handgrad.web.background import Computation, Computations
from handgrad.web.damage import Damage
from handgrad.web.endpoint import Parameters, endpoint
from handgrad.web.routes.session import MAX_IMAGES, Nothing
from handgrad.web.session import Session


class Indices(Parameters):
    """Which test images to return.

    Attributes:
        indices: their indices in the test set.
    """

    indices: list[int] = Field(max_length=MAX_IMAGES)


class DamageOf(Parameters):
    """A kind of damage.

    Attributes:
        kind: the name of the corruption.
        strength: 1 (weak) to 5 (strong), or 0 for the images as they are.
    """

    kind: str
    strength: int = Field(default=3, ge=0, le=5)


class Evaluated(NamedTuple):
    """The evaluation of the session's model.

    Attributes:
        answers: the answers for the test images.
        seen: which images the model was trained on, (N,), or None if this is unknown.
        all_known: whether all training images of the model are known.
        damage: the evaluation on damaged images.
    """

    answers: Answers
    seen: NDArray[np.bool_] | None
    all_known: bool
    damage: Damage


def routes(session: Session) -> list[BaseRoute]:
    """Return the endpoints of the view Evaluate."""
    evaluations, measurements = Computations[Evaluated](kept=1), Computations[bool](kept=1)
    session.at_close(evaluations.stop)
    session.at_close(measurements.stop)

    def current() -> Evaluated:
        """Return the evaluation of the current model, which `evaluation` started."""
        computation = evaluations.get(session.version)
        if computation is None:
            raise ConfigError("the model was replaced; open this view again")
        return computation.result

    def evaluation(_: Nothing) -> dict[str, Any]:
        """Start the evaluation if needed; return its progress and, at the end, its result."""
        version = session.version
        computation = evaluations.start(
            version, lambda computation: _evaluate(session, computation)
        )
        progress = computation.poll() | {"version": version}
        if computation.error or not computation.is_over:
            return progress
        return progress | {"result": _evaluation_json(computation.result)}

    def images(given: Indices) -> dict[str, Any]:
        return images_json(current().answers.test, given.indices, session.data_name)

    def damaged(given: DamageOf) -> dict[str, Any]:
        return current().damage.at(given.kind, given.strength).to_json()

    def measured(_: Nothing) -> dict[str, Any]:
        """Return the accuracies on damaged images that are known so far."""
        computation = measurements.get(session.version)
        progress = (
            {"is_over": True, "done": 0, "total": 0, "error": ""}
            if not computation
            else computation.poll()
        )
        return progress | current().damage.accuracies()

    def measure(given: Nothing) -> dict[str, Any]:
        """Start to measure the accuracy for each kind of damage and each strength."""
        damage = current().damage
        measurements.start(
            session.version, lambda computation: damage.measure_all(computation.report)
        )
        return measured(given)

    return [
        endpoint("/api/evaluate", evaluation, Nothing),
        endpoint("/api/evaluate/images", images, Indices, "POST"),
        endpoint("/api/evaluate/damaged", damaged, DamageOf),
        endpoint("/api/evaluate/robustness", measured, Nothing),
        endpoint("/api/evaluate/robustness", measure, Nothing, "POST"),
    ]


def _evaluate(session: Session, computation: Computation[Evaluated]) -> Evaluated:
    """Evaluate the session's model on its test images."""
    with session.compute:
        classifier, about, path = session.classifier, session.about, session.path
        (_, test), name = session.data, session.data_name
    assert path is not None
    assert name is not None
    found = answers_of(classifier, test, session.compute, computation.report)
    loaded_from = None if is_test_data_of(about, name) else name
    seen = used_in_training(model_file(path), about, classifier, found.test, loaded_from)
    damage = Damage(classifier, found.test, session.compute)
    return Evaluated(found, seen, knows_all_training_images(about), damage)


def _evaluation_json(found: Evaluated) -> dict[str, Any]:
    """Return an evaluation as JSON data."""
    answers, seen = found.answers, found.seen
    others = None if seen is None else (answers.answers == answers.test.labels)[~seen]
    return answers.to_json() | {
        "trained_on": None if seen is None else int(seen.sum()),
        "all_known": found.all_known,
        "accuracy_of_others": None if others is None or not others.size else float(others.mean()),
        "kinds": list(CORRUPTIONS),
        "strengths": list(STRENGTHS),
    }
