"""The torch engine is loaded when needed, and rejects unsupported input with a clear error."""

import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines import TrainConfig, engine_named
from handgrad.errors import ConfigError, DataError, MissingExtraError, ModelError
from handgrad.layers import ReLU
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD, Momentum
from tests.cases import CASES, CLASSES
from tests.extras import needs

torch = needs("torch")

from handgrad.engines.torch import TorchEngine  # noqa: E402

CASE = {case.name: case for case in CASES}
CONFIG = TrainConfig(SoftmaxCrossEntropy(), SGD(0.1))


cpu = partial(TorchEngine, device="cpu")


@pytest.fixture(autouse=True)
def one_thread():
    """Use one PyTorch thread, because these networks are too small for more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class OddReLU(ReLU):
    """A layer that the torch engine does not support."""


class OddLoss(SoftmaxCrossEntropy):
    """A loss that the torch engine does not support."""


class OddOptimizer(SGD):
    """An optimizer that the torch engine does not support."""


def test_layers_losses_and_optimizers_without_counterpart_are_refused() -> None:
    odd = Network([hg.Flatten(), hg.Residual((OddReLU(),)), hg.Dense()], (1, 2, 2), 2)
    with pytest.raises(ModelError, match=r"^layer 0 \(OddReLU\): PyTorch has no count"):
        cpu(odd, CONFIG)
    net = CASE["linear"].network()
    with pytest.raises(ConfigError, match="no counterpart of the loss OddLoss; use engine="):
        cpu(net, replace(CONFIG, loss=OddLoss()))
    with pytest.raises(ConfigError, match="no counterpart of the optimizer OddOptimizer; use eng"):
        cpu(net, replace(CONFIG, optimizer=OddOptimizer()))


def test_wrong_arguments_are_refused() -> None:
    case = CASE["fashion-mlp"]
    with pytest.raises(ConfigError, match="no device 'gpu'; choose one of auto, cpu, cuda"):
        TorchEngine(case.network(), CONFIG, device="gpu")
    with pytest.raises(ConfigError, match=r"^amp requires a float32 network, not float64; leave"):
        cpu(case.network(dtype=np.float64), CONFIG, amp=True)
    engine = cpu(case.network(), CONFIG)
    with pytest.raises(DataError, match="cannot train on a batch of one image; choose a batch"):
        engine.step(case.examples()[:1], case.labels()[:1], None, 0.1)
    for wrong in (-1, CLASSES):
        with pytest.raises(DataError, match=f"labels must be 0 to 4 for 5 logits, found {wrong}"):
            engine.step(case.examples(), np.full(5, wrong), None, 0.1)
    with pytest.raises(DataError, match="the network takes images"):
        engine.logits(np.zeros((2, 3, 4, 5)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_is_refused() -> None:
    with pytest.raises(ConfigError, match="PyTorch finds no GPU; use the device cpu or auto"):
        engine_named("torch:cuda", CASE["linear"].network(), CONFIG)
    assert TorchEngine(CASE["linear"].network(), CONFIG).device.type == "cpu"


def test_an_engine_is_made_by_name_by_device_or_by_a_function() -> None:
    net = CASE["linear"].network()
    for name in ("torch", "torch:cpu", cpu):
        assert isinstance(engine_named(name, net, CONFIG), TorchEngine)
    with pytest.raises(
        ConfigError, match="the engine reference does not accept a device; remove :cuda"
    ):
        engine_named("reference:cuda", net, CONFIG)
    with pytest.raises(ConfigError, match="there is no engine 'tensor'; choose one of"):
        engine_named("tensor", net, CONFIG)


def test_without_pytorch_the_error_says_what_to_install(monkeypatch) -> None:
    for name in [n for n in sys.modules if n.startswith("handgrad.engines.torch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'install it with pip install "handgrad\[torch\]"'):
        engine_named("torch", CASE["linear"].network(), CONFIG)


def test_pytorch_is_loaded_only_when_needed() -> None:
    program = "import sys, handgrad.engines; print('torch' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"


def test_fit_trains_with_it() -> None:
    train, test = hg.load_data("digits")
    accuracies = []
    for engine in ("reference", "torch:cpu"):
        net = hg.Network(hg.models.two_layer(), train.shape, len(train.classes))
        hg.fit(net, train, epochs=2, optimizer=Momentum(0.05), engine=engine)
        accuracies.append(hg.evaluate(net, test).accuracy)
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.005)
    assert accuracies[1] > 0.9
