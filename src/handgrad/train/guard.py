"""RunGuard: handles signals, divergence and checkpoints around the steps of a training loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from handgrad.errors import DivergenceError
from handgrad.signals import DeferredSignals
from handgrad.train.checkpoint.manager import CheckpointManager
from handgrad.train.run import TrainingRun


class RunGuard:
    """Protects a training run from interruption and divergence.

    Args:
        run: the training run to protect.
        manager: the manager that writes its checkpoints, or None to write no checkpoints.
    """

    def __init__(self, run: TrainingRun, manager: CheckpointManager | None) -> None:
        self._run, self._manager = run, manager
        self._save = None if manager is None else manager.save
        run.checkpoint(self._save)

    @contextmanager
    def epoch(self) -> Iterator[None]:
        """Run the `with` block; if a signal ends it between two training steps, save the run."""
        with DeferredSignals(self._manager is not None) as self._signals:
            try:
                yield
            except (KeyboardInterrupt, SystemExit):
                if self._save is not None and self._run.is_consistent:
                    self._save(self._run.state())
                raise

    @contextmanager
    def steps(self) -> Iterator[None]:
        """Defer signals during a few steps; roll back on divergence; write a checkpoint if due."""
        with self._signals.deferred() if self._run.is_warm else nullcontext():
            try:
                yield
            except DivergenceError as error:
                self._run.rollback(error)
            if self._manager is not None and self._manager.is_due:
                self._run.checkpoint(self._save)

    @contextmanager
    def epoch_end(self) -> Iterator[None]:
        """Defer signals until the epoch is recorded and saved."""
        with self._signals.deferred():
            yield
            self._run.checkpoint(self._save)
