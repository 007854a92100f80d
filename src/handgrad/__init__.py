"""Small-image classifiers trained with gradients derived by hand, and proven.

import handgrad as hg

train, test = hg.load("mnist")
net = hg.Network(hg.models.convnet(), shape=train.shape, classes=train.classes, seed=0)
loss, grads = net.loss_and_grads(*train[:64])  # gradients are values
history = hg.fit(net, train, epochs=3, optimizer=hg.Adam(1e-3))
print(hg.evaluate(net, test))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from handgrad import models as models
    from handgrad import plots as plots
    from handgrad.bundle import load_model as load_model
    from handgrad.bundle import save_model as save_model
    from handgrad.data import Dataset as Dataset
    from handgrad.data import load as load
    from handgrad.errors import ConfigError as ConfigError
    from handgrad.errors import DataError as DataError
    from handgrad.errors import DivergenceError as DivergenceError
    from handgrad.errors import HandgradError as HandgradError
    from handgrad.errors import MissingExtraError as MissingExtraError
    from handgrad.errors import ModelError as ModelError
    from handgrad.layers import AvgPool2d as AvgPool2d
    from handgrad.layers import BatchNorm as BatchNorm
    from handgrad.layers import Chain as Chain
    from handgrad.layers import Context as Context
    from handgrad.layers import Conv2d as Conv2d
    from handgrad.layers import Dense as Dense
    from handgrad.layers import Dropout as Dropout
    from handgrad.layers import Dropout2d as Dropout2d
    from handgrad.layers import Flatten as Flatten
    from handgrad.layers import GlobalAvgPool2d as GlobalAvgPool2d
    from handgrad.layers import GlorotNormal as GlorotNormal
    from handgrad.layers import GlorotUniform as GlorotUniform
    from handgrad.layers import HeNormal as HeNormal
    from handgrad.layers import HeUniform as HeUniform
    from handgrad.layers import LeakyReLU as LeakyReLU
    from handgrad.layers import MaxPool2d as MaxPool2d
    from handgrad.layers import Normal as Normal
    from handgrad.layers import Normalize as Normalize
    from handgrad.layers import ReLU as ReLU
    from handgrad.layers import Residual as Residual
    from handgrad.layers import Sigmoid as Sigmoid
    from handgrad.layers import SiLU as SiLU
    from handgrad.layers import Tanh as Tanh
    from handgrad.layers import Uniform as Uniform
    from handgrad.layers import Zeros as Zeros
    from handgrad.losses import SoftmaxCrossEntropy as SoftmaxCrossEntropy
    from handgrad.network import Network as Network
    from handgrad.optim import SGD as SGD
    from handgrad.optim import Adam as Adam
    from handgrad.optim import AdamW as AdamW
    from handgrad.optim import Momentum as Momentum
    from handgrad.schedules import Constant as Constant
    from handgrad.schedules import Cosine as Cosine
    from handgrad.schedules import OneCycle as OneCycle
    from handgrad.schedules import Plateau as Plateau
    from handgrad.schedules import Step as Step
    from handgrad.training import Epoch as Epoch
    from handgrad.training import Evaluation as Evaluation
    from handgrad.training import History as History
    from handgrad.training import Recipe as Recipe
    from handgrad.training import epochs as epochs
    from handgrad.training import evaluate as evaluate
    from handgrad.training import fit as fit

# Public names, by the module they live in; each is loaded when it is first used.
_HOME = {
    "models": "",
    "plots": "",
    "load_model": "handgrad.bundle",
    "save_model": "handgrad.bundle",
    "Dataset": "handgrad.data",
    "load": "handgrad.data",
    "ConfigError": "handgrad.errors",
    "DataError": "handgrad.errors",
    "DivergenceError": "handgrad.errors",
    "HandgradError": "handgrad.errors",
    "MissingExtraError": "handgrad.errors",
    "ModelError": "handgrad.errors",
    "AvgPool2d": "handgrad.layers",
    "BatchNorm": "handgrad.layers",
    "Chain": "handgrad.layers",
    "Context": "handgrad.layers",
    "Conv2d": "handgrad.layers",
    "Dense": "handgrad.layers",
    "Dropout": "handgrad.layers",
    "Dropout2d": "handgrad.layers",
    "Flatten": "handgrad.layers",
    "GlobalAvgPool2d": "handgrad.layers",
    "GlorotNormal": "handgrad.layers",
    "GlorotUniform": "handgrad.layers",
    "HeNormal": "handgrad.layers",
    "HeUniform": "handgrad.layers",
    "LeakyReLU": "handgrad.layers",
    "MaxPool2d": "handgrad.layers",
    "Normal": "handgrad.layers",
    "Normalize": "handgrad.layers",
    "ReLU": "handgrad.layers",
    "Residual": "handgrad.layers",
    "SiLU": "handgrad.layers",
    "Sigmoid": "handgrad.layers",
    "Tanh": "handgrad.layers",
    "Uniform": "handgrad.layers",
    "Zeros": "handgrad.layers",
    "SoftmaxCrossEntropy": "handgrad.losses",
    "Network": "handgrad.network",
    "SGD": "handgrad.optim",
    "Adam": "handgrad.optim",
    "AdamW": "handgrad.optim",
    "Momentum": "handgrad.optim",
    "Constant": "handgrad.schedules",
    "Cosine": "handgrad.schedules",
    "OneCycle": "handgrad.schedules",
    "Plateau": "handgrad.schedules",
    "Step": "handgrad.schedules",
    "Epoch": "handgrad.training",
    "Evaluation": "handgrad.training",
    "History": "handgrad.training",
    "Recipe": "handgrad.training",
    "epochs": "handgrad.training",
    "evaluate": "handgrad.training",
    "fit": "handgrad.training",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'handgrad' has no attribute {name!r}")
    home = _HOME[name]
    found = (
        getattr(importlib.import_module(home), name)
        if home
        else importlib.import_module(f"handgrad.{name}")
    )
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
