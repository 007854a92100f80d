"""The endpoints of "Break it": a wrong backward pass beside the right one."""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute

from handgrad.errors import ConfigError
from handgrad.web.endpoint import Parameters, endpoint
from handgrad.web.routes.session import Nothing
from handgrad.web.routes.train import Since, new_events
from handgrad.web.session import Session
from handgrad.web.training.comparison import OPTIMIZERS
from handgrad.web.training.job import Slot
from handgrad.web.training.mistakes import MISTAKES

COMPARISON = "handgrad.web.training.comparison"


class Break(Parameters):
    """A mistake to try, and the optimizer to try it with."""

    mistake: str
    optimizer: str = "sgd"


def routes(session: Session) -> list[BaseRoute]:
    """Return the endpoints of "Break it"."""
    slot = Slot("a comparison")
    session.at_close(slot.close)

    def mistakes(_: Nothing) -> dict[str, Any]:
        found = [
            {
                "name": name,
                "layer": type(mistake.right).__name__,
                "title": mistake.title,
                "right": mistake.formula("right"),
                "wrong": mistake.formula("wrong"),
            }
            for name, mistake in MISTAKES.items()
        ]
        return {"optimizers": list(OPTIMIZERS), "mistakes": found}

    def start(given: Break) -> dict[str, Any]:
        if given.mistake not in MISTAKES or given.optimizer not in OPTIMIZERS:
            raise ConfigError("choose one of the listed mistakes and optimizers")
        return {"job": slot.start(COMPARISON, {"do": "start", **given.model_dump()}).number}

    def state(given: Since) -> dict[str, Any]:
        return new_events(slot, given)

    return [
        endpoint("/api/break/mistakes", mistakes, Nothing),
        endpoint("/api/break/start", start, Break, "POST"),
        endpoint("/api/break/state", state, Since),
    ]
