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
    """An error of a notebook, and how its cost is measured.

    Attributes:
        error: what the notebook says or does.
        why: why that is an error.
        metric: the metric that measures the cost; NO_METRIC: the error changes no number.
        variant: a run with the error.
        reference: the same run without the error.
        reference_metric: the metric of `reference`; "": the same as `metric`.
        percent: whether the metrics are shares, to be shown in percent.
        misread: what the notebook turns the metric into, if that is the error.
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
    """A training that a notebook shows, in up to four variants.

    Attributes:
        title: a short description.
        variants: by kind: "published", with its errors; "corrected"; "pytorch", the corrected one
            in PyTorch; "best", the same network with better hyperparameters.
        published: the values that the notebook publishes, by metric.
        remarks: why a published value is not reproduced, by metric.
        ranges: the range in which a metric must lie, by kind of variant and metric.
        shown: further metrics to show, for which nothing is published.
        curve_unit: the x axis of the curves.
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
        """The variant whose network is shown: the corrected one, otherwise the best one."""
        return self.variants.get(CORRECTED) or self.variants[BEST]


@dataclass(frozen=True)
class HyperparameterTrial:
    """Hyperparameters that were compared with others on validation images.

    Attributes:
        hyperparameters: a description of the hyperparameters.
        accuracy: the validation accuracy, the mean over the seeds.
        seeds: the number of seeds.
        chosen: whether they were chosen.
        loss: the validation loss, if several accuracies were too similar to decide.
    """

    hyperparameters: str
    accuracy: float
    seeds: int
    chosen: bool = False
    loss: float | None = None


@dataclass(frozen=True)
class Notebook:
    """A published notebook, or a network of handgrad for comparison.

    Attributes:
        name: the name of its network.
        title: its subject.
        data: the name of its data set.
        about: what it does, in a few sentences.
        experiments: its trainings; the network is that of the first.
        benchmark: measures the speed of its training.
        errata: its errors.
        seconds: the training time that it publishes; None: none.
        examples: the results of its worked examples, computed by handgrad, one line each.
        trials: the hyperparameters from which the best were chosen.
        validated_on: the images on which they were compared.
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
