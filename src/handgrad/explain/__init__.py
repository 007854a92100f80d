"""What a network does, laid open."""

from handgrad.explain.page import page
from handgrad.explain.step import Step, Walk, walk

__all__ = ["Step", "Walk", "page", "walk"]
