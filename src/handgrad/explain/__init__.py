"""Explanations of a network's computation, step by step."""

from handgrad.explain.page import page
from handgrad.explain.step import ExplainedStep, Explanation, explain_step

__all__ = ["ExplainedStep", "Explanation", "explain_step", "page"]
