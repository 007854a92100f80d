"""Automatic search: try network, learning rate, preprocessing and augmentation; keep the best.

The subpackage is called `automl` because `handgrad.auto` is the function.
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
