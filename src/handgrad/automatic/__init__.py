"""A model without knobs: some settings tried on the data at hand, the best of them kept."""

from handgrad.automatic.candidates import words
from handgrad.automatic.keep import write
from handgrad.automatic.search import Moment
from handgrad.automatic.whole import Outcome, beginning, fit

__all__ = ["Moment", "Outcome", "beginning", "fit", "words", "write"]
