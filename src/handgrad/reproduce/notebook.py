"""What is known of a notebook before it is run: its experiments, its claims, its errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from handgrad.reproduce.experiment import Part

PUBLISHED, CORRECTED, TWIN, BEST = "published", "corrected", "twin", "best"
KINDS = (PUBLISHED, CORRECTED, TWIN, BEST)
NOTHING = ""
JUDGES = "6,000 training images set aside"

Range = tuple[float, float]


@dataclass(frozen=True)
class Erratum:
    """An error, and how to find out what it costs.

    Attributes:
        error: what stands in the notebook.
        why: why that is an error.
        figure: what the cost is measured in: a figure of the outcome of `part`; NOTHING: it
            changes none.
        part: a run with the error in it.
        against: the same without it.
        without: the figure of `against`; "": of the same name.
        percent: whether the figures are shares, to be shown in percent.
        misread: what the notebook makes of the figure, where that is the error.
    """

    error: str
    why: str
    figure: str
    part: Part
    against: Part
    without: str = ""
    percent: bool = True
    misread: Callable[[float], float] | None = None


@dataclass(frozen=True)
class Experiment:
    """One training that a notebook shows, in up to four ways.

    Attributes:
        title: what it is.
        parts: "published", with its errors; "corrected"; "twin", that in PyTorch; "best".
        claims: what the notebook says came out, by the names of the figures.
        remarks: what is to be said of a claim that is not met, by the same names.
        ranges: between what the figures must lie, by part and name.
        shown: figures that nothing was claimed of, to be shown too.
        beat: what the numbers of a curve are taken after.
    """

    title: str
    parts: dict[str, Part]
    claims: dict[str, float] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    ranges: dict[tuple[str, str], Range] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    beat: str = "epoch"

    @property
    def main(self) -> Part:
        """The part whose network is shown: the corrected one, or the best if there is no other."""
        return self.parts.get(CORRECTED) or self.parts[BEST]


@dataclass(frozen=True)
class Trial:
    """A recipe that was compared with others, before anything was tested.

    Attributes:
        recipe: what it is, in words.
        accuracy: that of validation images, the mean over the seeds.
        seeds: how many there were.
        taken: whether it was taken.
        loss: that of validation images, where several were too near to each other in accuracy.
    """

    recipe: str
    accuracy: float
    seeds: int
    taken: bool = False
    loss: float | None = None


@dataclass(frozen=True)
class Notebook:
    """A published notebook, or a network of ours beside them, that nothing was published of.

    Attributes:
        name: that of its network.
        title: what it is about.
        data: the name of its images.
        about: what it does, in a few sentences.
        experiments: its trainings; the first is the one that its network is named after.
        race: training as the notebook's own arithmetic does it, against ours, for the time.
        errata: its errors.
        seconds: what it says its training took; None: nothing.
        worked: examples worked out in it, here by our code, a line each.
        trials: the recipes from which the best was chosen.
        judged: by which images.
    """

    name: str
    title: str
    data: str
    about: str
    experiments: tuple[Experiment, ...]
    race: Part
    errata: tuple[Erratum, ...]
    seconds: float | None = None
    worked: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    judged: str = ""
