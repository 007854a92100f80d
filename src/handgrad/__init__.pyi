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
    Classifier,
    load_model,
)
from .data import (
    Augmentation,
    Dataset,
    load_data,
)
from .engine_comparison import (
    compare_engines,
)
from .engines import (
    Engine,
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
from .explain import (
    explain_step,
)
from .features import (
    features,
)
from .gradient_check import (
    gradcheck,
)
from .layers import (
    AvgPool2d,
    BatchNorm,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
)
from .losses import (
    Loss,
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
    Optimizer,
)
from .train import (
    CheckpointConfig,
    Epoch,
    Evaluation,
    History,
    TrainConfig,
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
    "CheckpointConfig",
    "Classifier",
    "ConfigError",
    "Context",
    "Conv2d",
    "DataError",
    "Dataset",
    "Dense",
    "DivergenceError",
    "Dropout",
    "Dropout2d",
    "Engine",
    "Epoch",
    "Evaluation",
    "Flatten",
    "GlobalAvgPool2d",
    "HandgradClassifier",
    "HandgradError",
    "History",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MaxPool2d",
    "MissingExtraError",
    "ModelError",
    "Momentum",
    "Network",
    "Normalize",
    "Optimizer",
    "ReLU",
    "Residual",
    "SearchResult",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "StorageError",
    "Tanh",
    "TrainConfig",
    "__version__",
    "auto",
    "calibrate",
    "compare_engines",
    "epochs",
    "evaluate",
    "explain_step",
    "features",
    "fit",
    "gradcheck",
    "init",
    "layers",
    "load_data",
    "load_model",
    "models",
    "plan",
    "plots",
    "schedules",
]

__version__: str
