"""The one loop: from a network and images to a trained network and its history."""

from handgrad.train.checkpoint.manager import Checkpoints
from handgrad.train.config import Recipe
from handgrad.train.evaluate import Evaluation, evaluate
from handgrad.train.history import Epoch, History
from handgrad.train.loop import epochs, fit
from handgrad.train.robustness import Robustness, robustness

__all__ = [
    "Checkpoints",
    "Epoch",
    "Evaluation",
    "History",
    "Recipe",
    "Robustness",
    "epochs",
    "evaluate",
    "fit",
    "robustness",
]
