"""A model without knobs: some settings tried on the data at hand, the best of them kept."""

from handgrad.auto.candidates import words
from handgrad.auto.pipeline import Outcome, beginning, check_minutes, fit
from handgrad.auto.save import write
from handgrad.auto.search import STAGES, Moment
from handgrad.auto.trial import Trial

__all__ = [
    "STAGES",
    "Moment",
    "Outcome",
    "Trial",
    "beginning",
    "check_minutes",
    "fit",
    "words",
    "write",
]
