"""The one loop: from a network and pictures to a trained network and its history."""

from handgrad.training.evaluation import Evaluation, evaluate
from handgrad.training.history import Epoch, History
from handgrad.training.keeper import Checkpoints
from handgrad.training.loop import epochs, fit
from handgrad.training.recipe import Recipe
from handgrad.training.robustness import Robustness, robustness

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
