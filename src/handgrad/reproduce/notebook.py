"""The description of a notebook: its experiments, its published values and its errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from handgrad.reproduce.experiment import Variant

PUBLISHED, CORRECTED, PYTORCH, BEST = "published", "corrected", "pytorch", "best"
VARIANTS = (PUBLISHED, CORRECTED, PYTORCH, BEST)
NO_METRIC = ""
VALIDATION_SET = "6,000 training images"

Range = tuple[float, float]


@dataclass(frozen=True)
class Erratum:
    """An error in a notebook, and how its effect is measured.

    Attributes:
        error: what the notebook says or does.
        why: why it is an error.
        metric: the metric that measures the effect, or NO_METRIC if the error changes no number.
        variant: the run with the error.
        reference: the same run without the error.
        reference_metric: the metric of `reference`, or "" if it is the same as `metric`.
        percent: whether the metrics are fractions that are shown in percent.
        misread: a function that computes the notebook's wrong number from the metric, or None if
            the notebook states the metric itself.
    """

    error: str
    why: str
    metric: str
    variant: Variant
    reference: Variant
    reference_metric: str = ""
    percent: bool = True
    misread: Callable[[float], float] | None = None


@dataclass(frozen=True)
class Experiment:
    """A training run that a notebook shows, in up to four variants.

    Attributes:
        title: a short description.
        variants: the variants by kind: "published" has the notebook's errors, "corrected" has no
            errors, "pytorch" is the corrected variant in PyTorch, and "best" has better
            hyperparameters.
        published: the values that the notebook publishes, by metric.
        remarks: for each metric whose published value is not reproduced, the reason.
        ranges: the range within which a metric must lie, by kind of variant and metric.
        shown: additional metrics for the report, which the notebook does not publish.
        curve_unit: the unit of the curves' x axis, such as "epoch".
    """

    title: str
    variants: dict[str, Variant]
    published: dict[str, float] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    ranges: dict[tuple[str, str], Range] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    curve_unit: str = "epoch"

    @property
    def main(self) -> Variant:
        """The variant whose network is shown: the corrected one, or the best one as a fallback."""
        return self.variants.get(CORRECTED) or self.variants[BEST]


@dataclass(frozen=True)
class HyperparameterTrial:
    """Hyperparameters that were compared with others on validation images.

    Attributes:
        hyperparameters: a description of the hyperparameters.
        accuracy: the mean validation accuracy over the seeds.
        seeds: the number of seeds.
        chosen: whether these hyperparameters were chosen.
        loss: the mean validation loss if it decided the choice because the accuracies were too
            similar, otherwise None.
    """

    hyperparameters: str
    accuracy: float
    seeds: int
    chosen: bool = False
    loss: float | None = None


@dataclass(frozen=True)
class Notebook:
    """A published notebook, or one of handgrad's own networks for comparison.

    Attributes:
        name: the name of the notebook's network.
        title: the subject of the notebook.
        data: the name of its data set.
        about: what the notebook does, in a few sentences.
        experiments: the training runs; the network shown is that of the first one.
        benchmark: measures the speed of the training run.
        errata: the errors in the notebook.
        seconds: the training time that the notebook publishes, or None if it publishes none.
        examples: the results of its worked examples, computed by handgrad, one line each.
        trials: the hyperparameters from which the best were chosen.
        validated_on: the images on which the hyperparameters were compared.
    """

    name: str
    title: str
    data: str
    about: str
    experiments: tuple[Experiment, ...]
    benchmark: Variant
    errata: tuple[Erratum, ...]
    seconds: float | None = None
    examples: tuple[str, ...] = ()
    trials: tuple[HyperparameterTrial, ...] = ()
    validated_on: str = ""
