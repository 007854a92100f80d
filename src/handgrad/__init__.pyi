"""The public names of handgrad, by the module they live in."""

from . import init, layers, models, plots, schedules
from .automl import (
    SearchResult,
    auto,
)
from .calibration import (
    Calibration,
    calibrate,
)
from .classifier import (
    load_model,
    save_model,
)
from .data import (
    Augmentation,
    Dataset,
    load_data,
)
from .engines import (
    plan,
)
from .errors import (
    ConfigError,
    DataError,
    DivergenceError,
    HandgradError,
    MissingExtraError,
    ModelError,
    StorageError,
)
from .estimator import (
    HandgradClassifier,
)
from .layers import (
    AvgPool2d,
    BatchNorm,
    Chain,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Sigmoid,
    SiLU,
    Tanh,
)
from .losses import (
    SoftmaxCrossEntropy,
)
from .network import (
    Network,
)
from .optim import (
    SGD,
    Adam,
    AdamW,
    Momentum,
)
from .train import (
    Checkpoints,
    Epoch,
    Evaluation,
    History,
    Recipe,
    epochs,
    evaluate,
    fit,
)

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Augmentation",
    "AvgPool2d",
    "BatchNorm",
    "Calibration",
    "Chain",
    "Checkpoints",
    "ConfigError",
    "Context",
    "Conv2d",
    "DataError",
    "Dataset",
    "Dense",
    "DivergenceError",
    "Dropout",
    "Dropout2d",
    "Epoch",
    "Evaluation",
    "Flatten",
    "GlobalAvgPool2d",
    "HandgradClassifier",
    "HandgradError",
    "History",
    "LeakyReLU",
    "MaxPool2d",
    "MissingExtraError",
    "ModelError",
    "Momentum",
    "Network",
    "Normalize",
    "ReLU",
    "Recipe",
    "Residual",
    "SearchResult",
    "SiLU",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "StorageError",
    "Tanh",
    "__version__",
    "auto",
    "calibrate",
    "epochs",
    "evaluate",
    "fit",
    "init",
    "layers",
    "load_data",
    "load_model",
    "models",
    "plan",
    "plots",
    "save_model",
    "schedules",
]

__version__: str
