"""The endpoints of the view Compare."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import Any

from pydantic import Field
from starlette.routing import BaseRoute

from handgrad.errors import ConfigError
from handgrad.network import Network
from handgrad.runs.config import RunConfig
from handgrad.web.answers import images_json, some_of
from handgrad.web.background import Computation, Computations
from handgrad.web.comparison import Comparison, Side, compare
from handgrad.web.endpoint import Parameters, endpoint
from handgrad.web.listed_runs import ListedRun, ListedRuns
from handgrad.web.lockstep import MAX_STEPS, REFERENCE, Lockstep, installed_engines
from handgrad.web.routes.session import MAX_IMAGES, Nothing
from handgrad.web.session import Session

BATCH = 64
NO_TORCH = "PyTorch is not installed; to compare with it: pip install 'handgrad[torch]'"


class Pair(Parameters):
    """Two runs, by their names in the list.

    Attributes:
        a: the name of the first run; "" is the model that this server shows.
        b: the name of the second run.
    """

    a: str = Field(max_length=500)
    b: str = Field(max_length=500)


class ImagesOfPair(Pair):
    """Which test images of a comparison to return.

    Attributes:
        indices: their indices in the test set.
    """

    indices: list[int] = Field(max_length=MAX_IMAGES)


class Steps(Parameters):
    """How many steps to train.

    Attributes:
        steps: the number of steps.
    """

    steps: int = Field(default=10, ge=1, le=MAX_STEPS)


def routes(session: Session) -> list[BaseRoute]:
    """Return the endpoints of the view Compare."""
    listed, comparisons = ListedRuns(session), Computations[Comparison](kept=4)
    training, starting = list[Lockstep](), threading.Lock()
    session.at_close(comparisons.stop)
    session.at_close(lambda: _stop(training))

    def runs(_: Nothing) -> dict[str, Any]:
        return {"runs": [run.to_json() for run in listed.all()]}

    def start(given: Pair) -> Computation[Comparison]:
        one, other = listed.named(given.a), listed.named(given.b)
        key = tuple((run.path, run.stamp) for run in (one, other))
        return comparisons.start(
            key, lambda computation: _compare(session, listed, one, other, computation)
        )

    def comparison(given: Pair) -> dict[str, Any]:
        """Start the comparison if needed; return its progress and, at the end, its result."""
        computation = start(given)
        progress = computation.poll()
        if computation.error or not computation.is_over:
            return progress
        return progress | {"result": computation.result.described}

    def images(given: ImagesOfPair) -> dict[str, Any]:
        found = start(given).result
        if found.test is None:
            raise ConfigError("the two models were not compared on the same images")
        return images_json(found.test, given.indices, found.data_name)

    def train(given: Steps) -> dict[str, Any]:
        """Start to train the same network in all engines."""
        with starting:
            _stop(training)
            training.append(_lockstep(session, given.steps))
        return trained(Nothing())

    def trained(_: Nothing) -> dict[str, Any]:
        missing = "" if find_spec("torch") else NO_TORCH
        return (training[-1].poll() if training else {"total": 0}) | {"missing": missing}

    return [
        endpoint("/api/compare/runs", runs, Nothing),
        endpoint("/api/compare", comparison, Pair),
        endpoint("/api/compare/images", images, ImagesOfPair, "POST"),
        endpoint("/api/compare/engines", trained, Nothing),
        endpoint("/api/compare/engines", train, Steps, "POST"),
    ]


def _stop(training: list[Lockstep]) -> None:
    """End all engine comparisons, and forget them."""
    while training:
        training.pop().stop()


def _compare(
    session: Session,
    listed: ListedRuns,
    one: ListedRun,
    other: ListedRun,
    computation: Computation[Comparison],
) -> Comparison:
    """Load two models, and compare them."""
    first, second = (Side(run, listed.classifier(run)) for run in (one, other))
    return compare(first, second, session, computation.report)


def _lockstep(session: Session, steps: int) -> Lockstep:
    """Start the engine comparison of the session's network, or of a new one without a model.

    Raises:
        ConfigError: if no other engine than the reference engine is installed.
    """
    with session.compute:
        train, _ = session.data
        net = _untrained(session)
    engines = installed_engines(net)
    if engines == [REFERENCE]:
        raise ConfigError(NO_TORCH)
    few = some_of(train, max(steps, 8) * BATCH)
    batch_size = min(BATCH, len(few))
    return Lockstep(net, few, engines=engines, steps=steps, batch_size=batch_size)


def _untrained(session: Session) -> Network:
    """Return the session's network with new random weights, or without a model a small one."""
    if session.path is None:
        train, _ = session.data
        return RunConfig(data=str(session.data_name)).network(train)
    net = session.classifier.network
    return Network(net.layers, net.shape, net.classes, dtype=net.dtype)
