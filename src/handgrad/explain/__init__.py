"""Step-by-step explanations of a network's computation."""

from handgrad.explain.page import page
from handgrad.explain.step import ExplainedStep, Explanation, explain_step

__all__ = ["ExplainedStep", "Explanation", "explain_step", "page"]
