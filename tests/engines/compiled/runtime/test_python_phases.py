"""A single warning names all layers, losses and optimizers without a kernel."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad.engines import BatchStream, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.layers import Dense, Flatten, Layer, ReLU, Residual
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Adam

X = np.random.default_rng(0).integers(0, 256, (12, 1, 4, 4), np.uint8)
RUN = BatchStream(X, np.arange(12) % 3, None, np.arange(12), 6, [0.1, 0.1])


class UserLayer(ReLU):
    """A layer without a kernel."""


class UserLoss(SoftmaxCrossEntropy):
    """A loss without a kernel."""


class UserOptimizer(SGD):
    """An optimizer without a kernel."""


def trained(layers: list[Layer], config: TrainConfig) -> CompiledEngine:
    engine = CompiledEngine(Network(layers, (1, 4, 4), 3), config)
    for _ in range(2):
        engine.run(RUN)
        engine.logits(X)
    return engine


def test_one_warning_names_layers_loss_and_optimizer(caplog: pytest.LogCaptureFixture) -> None:
    layers = [Flatten(), Dense(4), UserLayer(), Residual([Dense(4), UserLayer()]), Dense()]
    trained(layers, TrainConfig(UserLoss(), UserOptimizer()))
    (message,) = [m for m in caplog.messages if "compiling" not in m]
    assert message == (
        "handgrad: compiled engine: no kernel for the layer 2 UserLayer, the layer 3.body.1 "
        "UserLayer, the loss UserLoss, the optimizer UserOptimizer; "
        "these run in Python, which is slower"
    )


def test_no_warning_if_everything_has_a_kernel(caplog: pytest.LogCaptureFixture) -> None:
    trained([Flatten(), Dense(4), ReLU(), Dense()], TrainConfig(SoftmaxCrossEntropy(), Adam()))
    assert [m for m in caplog.messages if "compiling" not in m] == []
