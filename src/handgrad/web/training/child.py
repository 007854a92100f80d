"""The process that trains an ordinary run for the page: ``python -m handgrad.web.training.child``.

Commands: the first one is {"do": "start", "settings": {...}} or {"do": "resume", "folder": ...,
"settings": {...}}, either of them perhaps with "paused": true. Then "pause", "continue", "step",
{"do": "change", "settings": {...}}, "look" (someone watches) and "stop".

Events: "run" (the folder and the settings), "phase", "point" (a part of an epoch), "epoch" (its
record), "sixteen" (test images), "network" (weights and predictions), "hints", "note", "result".
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from handgrad.data import Dataset
from handgrad.errors import ConfigError, DivergenceError, HandgradError
from handgrad.runs import StartModel, TrainRun, has_checkpoint, resume_run, start_run
from handgrad.runs.config import RunConfig
from handgrad.runs.settings import check_settings, configure, original_settings
from handgrad.tracking import tracking
from handgrad.train import Epoch, History
from handgrad.train.run import TrainingRun
from handgrad.web.training.form import HIDDEN
from handgrad.web.training.hints import Facts, hints
from handgrad.web.training.lines import Commands, Events, Json, run_process
from handgrad.web.training.measure import Losses, Rarely, probe, sixteen, weights_and_predictions


class Changed(KeyboardInterrupt):
    """Raised between two steps to save the run and continue it with other settings."""

    def __init__(self, config: RunConfig) -> None:
        super().__init__("other settings")
        self.config = config


class Supervisor:
    """Obeys the commands between two steps of a run, and sends the events about it.

    Args:
        commands: the commands of the page.
        events: where to send the events.
        is_paused: whether the run begins with a pause.
    """

    def __init__(self, commands: Commands, events: Events, is_paused: bool) -> None:
        self._commands, self._events, self._is_paused = commands, events, is_paused
        self._steps_asked = 0
        self._phase = ""
        self._points = Rarely(least=0.15)
        self._networks, self._probes = Rarely(least=1.0), Rarely(least=1.0)
        self._start = self._slice_start = time.perf_counter()

    def begin(self, run: TrainRun, records: Sequence[Epoch]) -> None:
        """Prepare for a run, or for the same run with other settings."""
        self._train_run, self._records = run, list(records)
        self._run: TrainingRun | None = None
        self._test: Dataset | None = None
        self._shown_step = -1
        self._losses = Losses()
        self._facts = Facts(run.config, len(run.images.classes), self._records)
        config = run.config
        self._events.send(
            "run",
            folder=str(run.folder),
            name=run.folder.name,
            settings={k: v for k, v in config.plain().items() if k not in HIDDEN}
            | {"data": config.data_name},
            classes=list(map(str, run.images.classes)),
            parameters=sum(array.size for array in run.classifier.network.parameters.values()),
            epochs=config.epochs,
            records=[record._asdict() for record in self._records],
        )

    def before_steps(self, run: TrainingRun) -> None:
        """Obey all commands, and wait while the run is paused."""
        if self._run is None:
            self._run = run
            self._losses.begin(run)
            self._test, event = sixteen(self._train_run)
            self._events.send("sixteen", **event)
        if not self._is_paused:
            self._show()
        while command := self._commands.next(wait=False):
            self._obey(command)
        while self._is_paused and not self._steps_asked:
            self._send_rest()
            self._show_phase("paused")
            self._show()
            command = self._commands.next(wait=True)
            if command is not None:
                self._obey(command)
        run.most_steps = None
        if self._is_paused:
            self._steps_asked -= 1
            run.most_steps = 1
        else:
            self._show_phase("training")
        self._slice_start = time.perf_counter()

    def on_progress(self, epochs_done: float) -> None:
        """Take note of the steps that were just done."""
        assert self._run is not None
        run = self._run
        self._losses.add(run, time.perf_counter() - self._slice_start)
        if self._points.is_due or self._is_paused:
            with self._points:
                self._send_point(epochs_done)

    def on_epoch(self, record: Epoch) -> None:
        """Send the record of an epoch."""
        self._records.append(record)
        self._losses.next_epoch()
        self._events.send("epoch", **record._asdict())
        self._send_hints()

    def finish(self, phase: str) -> None:
        """Say that the last steps are done."""
        self._send_rest()
        self._show_phase(phase)

    def _obey(self, command: Json) -> None:
        match command["do"]:
            case "pause":
                self._is_paused = True
            case "continue":
                self._is_paused, self._steps_asked = False, 0
            case "step":
                self._is_paused = True
                self._steps_asked += 1
            case "change":
                self._change(command["settings"])

    def _change(self, settings: Json) -> None:
        """Raise `Changed` if the settings may change, otherwise send a note."""
        run = self._train_run
        try:
            original = run.config.plain()
            config = configure(settings, environment={}, original=original)
            check_settings(original, config, run.folder, force=True)
        except HandgradError as error:
            self._events.send("note", text=str(error).rpartition("cannot resume: ")[2])
            return
        if config.plain() != original:
            raise Changed(config)

    def _show_phase(self, phase: str) -> None:
        if phase != self._phase:
            self._phase = phase
            self._events.send("phase", phase=phase)

    def _show(self) -> None:
        """Send weights, predictions and hints if someone watches, but rarely."""
        if not self._commands.is_watched:
            return
        run, test = self._run, self._test
        assert run is not None
        assert test is not None
        is_new = self._shown_step != run.engine.steps
        if is_new and (self._networks.is_due or self._is_paused):
            self._shown_step = run.engine.steps
            with self._networks:
                event = weights_and_predictions(run.net, test)
                self._events.send("network", step=run.engine.steps, **event)
        if is_new and self._probes.is_due and run.is_warm:
            with self._probes:
                self._facts = self._facts._replace(**probe(run))
                self._send_hints()

    def _send_rest(self) -> None:
        """Send the steps since the last point, if any, so that the page shows the current step."""
        if self._run is not None and not self._losses.is_empty:
            self._send_point(self._run.epochs_done)

    def _send_point(self, epochs_done: float) -> None:
        """Send the means over the steps since the last point."""
        assert self._run is not None
        now = time.perf_counter() - self._start
        point = self._losses.point(self._run)
        self._events.send("point", epoch=epochs_done, seconds=now, **point)

    def _send_hints(self) -> None:
        facts = self._facts._replace(records=self._records, **self._losses.facts())
        self._events.send("hints", hints=[hint._asdict() for hint in hints(facts)])


def train(first: Json, commands: Commands, events: Events) -> None:
    """Start or resume a run, and train it to its end."""
    settings: Json = first.get("settings", {})
    supervisor = Supervisor(commands, events, bool(first.get("paused")))
    events.send("phase", phase="loading")
    with ExitStack() as stack:
        if first["do"] == "resume":
            folder = Path(first["folder"])
            found = stack.enter_context(resume_run(folder))
            original = original_settings(found.about["config"], found.path)
            config = configure(settings, environment={}, original=original)
            check_settings(original, config, folder, force=True)
            records, digest = found.state.records, found.about.get("from")
        else:
            config = configure(settings, environment={})
            name = f"{config.data_name}-{config.model or 'continued'}"
            folder = stack.enter_context(start_run(None, name))
            records, digest = [], None
        start = None if config.from_run is None else StartModel.load(config.from_run, digest)
        try:
            run, history = _train(config, folder, start, records, supervisor, events)
        except DivergenceError as error:
            events.send("hints", hints=[hint._asdict() for hint in hints(_diverged(config, error))])
            raise
        finally:
            events.send("checkpoint", resumable=has_checkpoint(folder))
        supervisor.finish("finishing")
        sentence = run.calibrate()
        evaluation, problem = run.evaluation, run.write(history)
        for text in filter(None, (sentence, problem)):
            events.send("note", text=text)
        events.send(
            "result",
            folder=str(folder),
            test_accuracy=evaluation.accuracy,
            test_loss=evaluation.loss,
            test_images=evaluation.count,
            best_epoch=history.best_epoch,
            stopped_early=history.stopped_early,
        )
        events.send("checkpoint", resumable=False)
        supervisor.finish("finished")


def _train(
    config: RunConfig,
    folder: Path,
    start: StartModel | None,
    records: Sequence[Epoch],
    supervisor: Supervisor,
    events: Events,
) -> tuple[TrainRun, History]:
    """Train a run, also if its settings change meanwhile."""
    images, test = config.load_data(False, None if start is None else start.classifier)
    config = config.fitted_to(images)
    previous: RunConfig | None = None
    known = list(records)
    while True:
        run = TrainRun(config, folder, images, test, start, allow_changes=True)
        supervisor.begin(run, known)
        try:
            with tracking(folder, config.plain(), known) as track:

                def on_epoch(record: Epoch, track: Any = track) -> None:
                    known.append(record)
                    track(record)
                    supervisor.on_epoch(record)

                return run, run.fit(on_epoch, supervisor.on_progress, supervisor.before_steps)
        except Changed as change:
            previous, config = config, change.config
        except ConfigError as error:  # such as an optimizer with another state
            if previous is None:
                raise
            events.send("note", text=str(error).rpartition("cannot resume: ")[2])
            config, previous = previous, None


def _diverged(config: RunConfig, error: DivergenceError) -> Facts:
    """Return the facts about a run that ended with NaN or infinity."""
    return Facts(config, 0, [], diverged_at=-1 if error.unrecoverable else error.step)


if __name__ == "__main__":
    run_process(train)
