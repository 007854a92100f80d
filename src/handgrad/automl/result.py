"""The result of an automatic search."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.automl.data_profile import DataProfile
from handgrad.automl.search import Search
from handgrad.automl.speed import DataSplits
from handgrad.automl.trial import Trial
from handgrad.classifier import Classifier
from handgrad.layers import Array
from handgrad.runs.config import RunConfig
from handgrad.train import Evaluation, Robustness


@dataclass(frozen=True)
class SearchResult:
    """The result of an automatic search.

    Attributes:
        config: the settings of the model, in the form that `handgrad train` accepts.
        seconds: the time that the search took, including the test, in seconds.
        profile: the properties of the images.
        splits: the images, split into training, validation and test sets.
        search: the search with all its trials.
        chosen: the trial that was chosen because of its validation accuracy.
        refitted: the training run of the chosen candidate on all images except the test images, or
            None if there was none.
        classifier: the trained classifier.
        calibration: a sentence about the calibration of the probabilities.
        logits: the network's logits of the test images, (N, K).
        evaluation: the evaluation on the test images.
        robustness: the evaluation on corrupted test images, or None if the images are not uint8.
        interrupted: whether the search was stopped before its time was up.
    """

    config: RunConfig
    seconds: float
    profile: DataProfile
    splits: DataSplits
    search: Search
    chosen: Trial
    refitted: Trial | None
    classifier: Classifier
    calibration: str
    logits: Array
    evaluation: Evaluation
    robustness: Robustness | None
    interrupted: bool

    @property
    def final(self) -> Trial:
        """The trial that produced the final network: the refit if there was one."""
        return self.refitted or self.chosen

    @property
    def is_reproducible(self) -> bool:
        """Whether another training run with `config` gives the same weights."""
        is_full = self.chosen.is_complete and self.chosen.images == len(self.splits.train)
        return bool(self.refitted) or is_full
