"""The diagnosis: the likely cause of a wrong gradient, found by testing known causes.

Each hypothesis is a function that compares a wrong gradient with the right one, and returns the
cause if the hypothesis explains the difference. The first hypothesis that explains all elements is
reported. Simple hypotheses are tested first.
"""

from handgrad.gradient_check.diagnosis.evidence import Cause, Evidence
from handgrad.gradient_check.diagnosis.hypotheses import likely_causes

__all__ = ["Cause", "Evidence", "likely_causes"]
