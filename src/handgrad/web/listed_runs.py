"""The runs that the page can compare: the session's model, and those in the folder of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from handgrad.classifier import MODEL, Classifier
from handgrad.errors import ConfigError, HandgradError
from handgrad.runs import is_in_use, load_run, model_file
from handgrad.web.endpoint import without_paths
from handgrad.web.session import Session

CURRENT = ""  # the name of the session's own model
MOST = 200  # runs in the list, the newest first
_SERIES = ("loss", "accuracy", "validation_loss", "validation_accuracy")


class ListedRun(NamedTuple):
    """A run in the list.

    Attributes:
        name: the name of its folder, or `CURRENT`.
        path: the folder or the model file.
        stamp: changes whenever the model file is replaced.
        about: the metadata in its model file; empty if it cannot be read.
        error: the reason if it cannot be read, otherwise "".
    """

    name: str
    path: Path
    stamp: tuple[int, int]
    about: dict[str, Any]
    error: str

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the list as JSON data."""
        return {
            "name": self.name,
            "title": self.path.name,
            "error": without_paths(self.error),
            "data": Path(str(self.entry("data", "name") or "")).name,
            "model": str(self.entry("config", "model") or ""),
            "accuracy": self.entry("scores", "test_accuracy"),
            "epochs": self.entry("scores", "epochs"),
        }

    def entry(self, group: str, name: str) -> Any:
        """Return an entry of the metadata, or None."""
        found = self.about.get(group)
        return found.get(name) if isinstance(found, dict) else None

    def history(self) -> dict[str, list[Any]]:
        """Return the history of the run: lists with one number, or None, per epoch.

        All lists are empty if the run has no readable file `history.json`.
        """
        folder = self.path if self.path.is_dir() else self.path.parent
        try:
            found = json.loads((folder / "history.json").read_text("utf-8"))
            epochs = found["epochs"] if self.path.is_dir() or self.path.name == MODEL else []
            return {
                "number": [int(epoch["number"]) for epoch in epochs],
                **{name: [_number(epoch.get(name)) for epoch in epochs] for name in _SERIES},
            }
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return {name: [] for name in ("number", *_SERIES)}


class ListedRuns:
    """Lists the runs of a session. Each model file is read once, until it is replaced."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: dict[Path, ListedRun] = {}

    def all(self) -> list[ListedRun]:
        """Return the session's model, if there is one, and the runs, the newest first."""
        session = self._session
        found = []
        if session.path is not None:
            found.append(self._entry(CURRENT, session.path))
        try:
            folders = [p for p in session.runs.iterdir() if _may_be_run(p)]
            folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        except OSError:
            folders = []
        own = session.path and session.path.resolve()
        return found + [
            self._entry(path.name, path) for path in folders[:MOST] if path.resolve() != own
        ]

    def named(self, name: str) -> ListedRun:
        """Return a run by its name in the list.

        Raises:
            ConfigError: if the list has no such run, or it cannot be read.
        """
        for run in self.all():
            if run.name == name:
                if run.error:
                    raise ConfigError(run.error)
                return run
        raise ConfigError(f"there is no run {name!r} in the list; open this view again")

    def classifier(self, run: ListedRun) -> Classifier:
        """Return the model of a run.

        Raises:
            ModelError: if it cannot be read.
        """
        return self._session.classifier if run.name == CURRENT else load_run(run.path)[0]

    def _entry(self, name: str, path: Path) -> ListedRun:
        """Return the run in a folder, or the model in a file."""
        try:
            status = model_file(path).stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._read.get(path)
            if known is None or known.stamp != stamp:
                known = ListedRun(name, path, stamp, load_run(path)[1], "")
                self._read[path] = known
            return known._replace(name=name)
        except (HandgradError, OSError) as error:
            reason = "it is still training" if is_in_use(path) else str(error)
            return ListedRun(name, path, (0, 0), {}, reason)


def _may_be_run(path: Path) -> bool:
    """Return whether an entry of the folder of runs belongs into the list."""
    return not path.name.startswith(".") and (path.is_dir() or path.suffix == ".safetensors")


def _number(value: Any) -> float | None:
    """Return a number in a history, or None if it is something else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
