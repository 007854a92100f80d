import numpy as np
import pytest

from handgrad.errors import ConfigError, ModelError
from handgrad.init import HeNormal, Normal
from handgrad.layers import BatchNorm, Normalize, Residual
from handgrad.models import MODELS, convnet, named, smallnet, softmax_regression, two_layer
from handgrad.network import Network

PARAMETERS = {
    "softmax-regression": 7_850,
    "two-layer": 23_860,
    "convnet": 21_840,
    "fashion-mlp": 28_074,
    "online-mlp": 407_050,
    "lenet5": 61_706,
    "smallnet": 33_482,
    "deep-convnet": 186_090,
    "resnet7": 256_074,
}


@pytest.mark.parametrize("name", MODELS)
def test_parameters_on_mnist_match_the_docstring(name: str) -> None:
    net = Network(named(name), (1, 28, 28), 10)
    count = sum(array.size for array in net.parameters.values())
    assert count == PARAMETERS[name]
    if name != "smallnet":
        assert f"{count:,} parameters" in MODELS[name].__doc__


@pytest.mark.parametrize("name", MODELS)
def test_each_takes_a_batch_of_images(name: str) -> None:
    net = Network(named(name), (1, 28, 28), 3)
    X = np.random.default_rng(0).integers(0, 256, (4, 1, 28, 28), np.uint8)
    assert net.logits(X).shape == (4, 3)


def test_each_call_returns_a_new_list() -> None:
    layers = two_layer()
    layers.pop()
    assert len(two_layer()) == len(layers) + 1
    assert two_layer() == two_layer()


def test_the_initial_weights_can_be_chosen() -> None:
    assert softmax_regression(Normal(1.0))[-1].initializer == Normal(1.0)
    assert convnet(HeNormal())[0].initializer == HeNormal()


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 5, 9), (1, 28, 28), (3, 32, 32)])
def test_smallnet_takes_images_of_any_size(shape: tuple[int, int, int]) -> None:
    assert Network(smallnet(), shape, 4).logits(np.zeros((2, *shape))).shape == (2, 4)


def test_smallnet_is_modern() -> None:
    kinds = {type(layer) for layer in smallnet()}
    assert {Normalize, BatchNorm, Residual} <= kinds


def test_a_image_too_small_is_refused_by_the_layer() -> None:
    sentence = r"layer 3 \(Conv2d\), given \(10, 2, 2\): its 5x5 window does not fit into 2x2"
    with pytest.raises(ModelError, match=sentence):
        Network(convnet(), (1, 8, 8), 10)


def test_an_unknown_name_gives_an_error_that_lists_the_known_names() -> None:
    with pytest.raises(ConfigError, match="there is no model 'resnet'; choose one of softmax-reg"):
        named("resnet")
