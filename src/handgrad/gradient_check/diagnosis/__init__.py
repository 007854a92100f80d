"""The diagnosis: the likely cause of a wrong gradient, found by testing known causes.

Each hypothesis compares one wrong gradient with the right one. The first hypothesis that explains
all elements is reported; simple ones are tested first.
"""

from handgrad.gradient_check.diagnosis.evidence import Cause, Evidence
from handgrad.gradient_check.diagnosis.hypotheses import likely_causes

__all__ = ["Cause", "Evidence", "likely_causes"]
