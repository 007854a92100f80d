"""Pictures and their labels: where they come from, and the form they take."""

from handgrad.data.dataset import Dataset

__all__ = ["Dataset"]
