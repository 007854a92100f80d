"""Why a gradient is wrong: the likely cause, found by trying those that are known.

Each suspect looks at one wrong gradient beside the right one, and says what would turn the one
into the other. The first that fits to all elements is named; simple ones are asked first.
"""

from handgrad.gradient_check.diagnosis.evidence import Cause, Scene
from handgrad.gradient_check.diagnosis.hypotheses import likely_causes

__all__ = ["Cause", "Scene", "likely_causes"]
