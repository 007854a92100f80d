"""The endpoints of the view Train: a run in another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from starlette.routing import BaseRoute

from handgrad.errors import ConfigError
from handgrad.runs import has_checkpoint
from handgrad.web.endpoint import Parameters, endpoint
from handgrad.web.routes.session import Nothing
from handgrad.web.session import Session
from handgrad.web.training.form import changes, config_of, form, suggested
from handgrad.web.training.job import Slot

CHILD = "handgrad.web.training.child"


class Start(Parameters):
    """A new run.

    Attributes:
        settings: the chosen settings as text.
        paused: whether to pause before the first step.
    """

    settings: dict[str, str] = Field(default_factory=dict)
    paused: bool = False


class Resume(Start):
    """An interrupted run to resume, with changed settings.

    Attributes:
        name: one of the listed names.
    """

    name: str


class Command(Parameters):
    """A command for the run in progress.

    Attributes:
        do: what to do.
        settings: for "change", the settings that change.
    """

    do: Literal["pause", "continue", "step", "stop", "change"]
    settings: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_settings(self) -> Command:
        if bool(self.settings) != (self.do == "change"):
            raise ValueError("give settings with the command change, and only with it")
        return self


class Since(Parameters):
    """Which events to return.

    Attributes:
        job: the number of the job that the page knows.
        since: the number of the last event of that job that it knows.
        watching: whether someone looks at the page, so that weights and hints must be measured.
    """

    job: int = 0
    since: int = Field(default=0, ge=0)
    watching: bool = True


def _end(training: Slot, session: Session) -> None:
    """End the training run, if there is one, and note whether it can be resumed."""
    is_running = training.job is not None and training.job.is_running
    training.close()
    if is_running and training.job is not None:
        run, checkpoint = (training.job.event(kind) for kind in ("run", "checkpoint"))
        if run and checkpoint and checkpoint["resumable"]:
            session.interrupted_run = Path(run["folder"])


def routes(session: Session) -> list[BaseRoute]:
    """Return the endpoints of the view Train."""
    training = Slot("a training run")
    session.at_close(lambda: _end(training, session))

    def settings(_: Nothing) -> dict[str, Any]:
        return {
            "settings": form(session),
            "suggested": suggested(session),
            "interrupted": list(_interrupted(session)),
        }

    def start(given: Start) -> dict[str, Any]:
        config = config_of(given.settings, session)
        job = training.start(CHILD, {"do": "start", "settings": config, "paused": given.paused})
        return {"job": job.number}

    def resume(given: Resume) -> dict[str, Any]:
        found = _interrupted(session)
        if given.name not in found:
            raise ConfigError("choose one of the listed interrupted runs")
        first = {"do": "resume", "folder": str(found[given.name]), "paused": given.paused}
        job = training.start(CHILD, first | {"settings": changes(given.settings)})
        return {"job": job.number}

    def command(given: Command) -> dict[str, Any]:
        changed = {"settings": changes(given.settings)} if given.do == "change" else {}
        training.running().send({"do": given.do, **changed})
        return {}

    def state(given: Since) -> dict[str, Any]:
        return new_events(training, given)

    def open_run(_: Nothing) -> dict[str, Any]:
        result = training.job.event("result") if training.job is not None else None
        if result is None:
            raise ConfigError("no run is finished; wait until training ends")
        session.open_model(Path(result["folder"]).absolute())
        return session.describe()

    return [
        endpoint("/api/train/settings", settings, Nothing),
        endpoint("/api/train/start", start, Start, "POST"),
        endpoint("/api/train/resume", resume, Resume, "POST"),
        endpoint("/api/train/command", command, Command, "POST"),
        endpoint("/api/train/state", state, Since),
        endpoint("/api/train/open", open_run, Nothing, "POST"),
    ]


def new_events(slot: Slot, given: Since) -> dict[str, Any]:
    """Return the new events of a job; all of them if the page knows another job."""
    job = slot.job
    if job is None:
        return {"job": 0, "number": 0, "running": False}
    if given.watching:
        job.look()
    since = given.since if given.job == job.number else 0
    return {"job": job.number, **job.state(since)}


def _interrupted(session: Session) -> dict[str, Path]:
    """Return the interrupted runs below the session's folder of runs, by name."""
    if not session.runs.is_dir():
        return {}
    folders = sorted(path for path in session.runs.iterdir() if path.is_dir())
    return {path.name: path for path in folders if has_checkpoint(path)}
