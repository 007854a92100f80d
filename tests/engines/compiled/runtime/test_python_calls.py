"""What has no kernel is named, once, at the usual level."""

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


class Own(ReLU):
    """A layer without a kernel."""


class Sharper(SoftmaxCrossEntropy):
    """A loss without a kernel."""


class Slower(SGD):
    """An optimizer without a kernel."""


def trained(layers: list[Layer], config: TrainConfig) -> CompiledEngine:
    engine = CompiledEngine(Network(layers, (1, 4, 4), 3), config)
    for _ in range(2):
        engine.run(RUN)
        engine.logits(X)
    return engine


def test_layers_loss_and_optimizer_in_python_are_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    layers = [Flatten(), Dense(4), Own(), Residual([Dense(4), Own()]), Dense()]
    trained(layers, TrainConfig(Sharper(), Slower()))
    (message,) = [m for m in caplog.messages if "compiling" not in m]
    assert message == (
        "handgrad: compiled engine: no kernel for the layer 2 Own, the layer 3.body.1 Own, "
        "the loss Sharper, the optimizer Slower: in Python, as the reference engine, more slowly"
    )


def test_where_all_have_kernels_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    trained([Flatten(), Dense(4), ReLU(), Dense()], TrainConfig(SoftmaxCrossEntropy(), Adam()))
    assert [m for m in caplog.messages if "compiling" not in m] == []
