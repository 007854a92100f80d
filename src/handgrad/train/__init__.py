"""Training: `fit` trains a network on images; `evaluate` measures its accuracy."""

from handgrad.train.checkpoint.manager import CheckpointConfig
from handgrad.train.evaluate import Evaluation, evaluate
from handgrad.train.history import Epoch, History
from handgrad.train.loop import epochs, fit
from handgrad.train.robustness import Robustness, robustness
from handgrad.train_config import TrainConfig

__all__ = [
    "CheckpointConfig",
    "Epoch",
    "Evaluation",
    "History",
    "Robustness",
    "TrainConfig",
    "epochs",
    "evaluate",
    "fit",
    "robustness",
]
