"""A model without knobs: some settings tried on the data at hand, the best of them kept."""

from handgrad.automatic.candidates import words
from handgrad.automatic.keep import write
from handgrad.automatic.search import STAGES, Moment
from handgrad.automatic.trial import Trial
from handgrad.automatic.whole import Outcome, beginning, check_minutes, fit

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
