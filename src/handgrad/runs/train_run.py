"""TrainRun: train, calibrate, test and write one run. `handgrad train` and the page both use it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from handgrad.classifier import Classifier
from handgrad.data import Dataset
from handgrad.runs.config import RunConfig
from handgrad.runs.folder import checkpoints, finish
from handgrad.runs.run import Run, calibrate_on, write
from handgrad.runs.start_model import StartModel
from handgrad.train import CheckpointConfig, Epoch, Evaluation, History, evaluate, fit
from handgrad.train.run import TrainingRun


class TrainRun:
    """The steps of a run after its data have been loaded: see the methods, in their order.

    If the folder has a checkpoint, the run continues from it.

    Args:
        config: the settings, fitted to the images (`RunConfig.fitted_to`).
        folder: the folder of the run, which `start_run` or `resume_run` has locked.
        images: the training images, including those for validation.
        test: the test images.
        start: the model to start from, or None for random weights.
        allow_changes: whether settings may differ from those in the checkpoint.

    Attributes:
        classifier: the classifier, which is trained in place.

    Raises:
        ModelError: if the network does not fit the images.
        DataError: if the model to start from does not fit the images.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: Path,
        images: Dataset,
        test: Dataset,
        start: StartModel | None = None,
        *,
        allow_changes: bool = False,
    ) -> None:
        self.config, self.folder, self.images, self.test = config, folder, images, test
        self.start, self._allow_changes = start, allow_changes
        if start is None:
            self.classifier = Classifier(config.network(images), images.classes)
        else:
            self.classifier = start.fitted_to(images, config.seed)

    def fit(
        self,
        on_epoch: Callable[[Epoch], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
        before_steps: Callable[[TrainingRun], None] | None = None,
    ) -> History:
        """Train, with checkpoints in the folder; see `handgrad.fit` for the arguments."""
        config = self.config
        origin = {"from": self.start.digest} if self.start else {}
        return fit(
            self.classifier,
            self.images,
            config.train_config(self.images.classes),
            validation=config.validation or None,
            on_epoch=on_epoch,
            on_progress=on_progress,
            before_steps=before_steps,
            checkpoint=CheckpointConfig(
                checkpoints(self.folder),
                config.checkpoint_minutes,
                allow_changes=self._allow_changes,
                about={"config": config.plain(), **origin},
            ),
            resume=True,
        )

    def calibrate(self) -> str | None:
        """Calibrate on the validation images if the settings say so; return a sentence about it."""
        if not (self.config.calibrate and self.config.validation):
            return None
        train, validation = self.images.split(self.config.validation, self.config.seed)
        return calibrate_on(self.classifier, validation, train)

    @cached_property
    def evaluation(self) -> Evaluation:
        """The evaluation of the trained classifier on the test images."""
        return evaluate(self.classifier, self.test)

    def write(self, history: History) -> str | None:
        """Write the files of the finished run, and remove its checkpoints.

        Returns:
            A message if some figures could not be drawn, otherwise None.
        """
        more = self.start.metadata(self.images) if self.start else {}
        known = self.start.trained_on if self.start else None
        run = Run(
            *(self.config, self.classifier, history, self.images, self.test, self.evaluation),
            more=more,
            trained_before=known,
        )
        problem = write(run, self.folder)
        finish(self.folder)
        return problem
