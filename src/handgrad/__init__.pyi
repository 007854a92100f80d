"""The public names of handgrad, by the module they live in."""

from . import layers, models, plots
from .bundle import (
    load_model,
    save_model,
)
from .calibration import (
    Calibration,
    calibrate,
)
from .data import (
    Augmentation,
    Dataset,
    load,
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
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeakyReLU,
    MaxPool2d,
    Normal,
    Normalize,
    ReLU,
    Residual,
    Sigmoid,
    SiLU,
    Tanh,
    Uniform,
    Zeros,
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
from .schedules import (
    Constant,
    Cosine,
    OneCycle,
    Plateau,
    Step,
)
from .training import (
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
    "Constant",
    "Context",
    "Conv2d",
    "Cosine",
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
    "GlorotNormal",
    "GlorotUniform",
    "HandgradClassifier",
    "HandgradError",
    "HeNormal",
    "HeUniform",
    "History",
    "LeakyReLU",
    "MaxPool2d",
    "MissingExtraError",
    "ModelError",
    "Momentum",
    "Network",
    "Normal",
    "Normalize",
    "OneCycle",
    "Plateau",
    "ReLU",
    "Recipe",
    "Residual",
    "SiLU",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "Step",
    "StorageError",
    "Tanh",
    "Uniform",
    "Zeros",
    "__version__",
    "calibrate",
    "epochs",
    "evaluate",
    "fit",
    "layers",
    "load",
    "load_model",
    "models",
    "plan",
    "plots",
    "save_model",
]

__version__: str
