"""Automatic search for the best network, learning rate, preprocessing and augmentation.

The subpackage is not called `auto`, because that is the name of the function `handgrad.auto`.
"""

from handgrad.automl.candidates import describe
from handgrad.automl.pipeline import auto, base_config, check_minutes, run_search
from handgrad.automl.result import SearchResult
from handgrad.automl.save import save
from handgrad.automl.search import STAGES, SearchProgress
from handgrad.automl.trial import Trial

__all__ = [
    "STAGES",
    "SearchProgress",
    "SearchResult",
    "Trial",
    "auto",
    "base_config",
    "check_minutes",
    "describe",
    "run_search",
    "save",
]
