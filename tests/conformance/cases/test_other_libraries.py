"""The loss agrees with scikit-learn, and the gradients of networks agree with JAX.

JAX is optional: `pip install jax`, then `pytest tests/conformance/cases`.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

import handgrad as hg
from handgrad.losses import softmax


@given(N=st.integers(1, 20), K=st.integers(2, 7), seed=st.integers(0, 2**16), weigh=st.booleans())
def test_the_loss_equals_that_of_scikit_learn(N, K, seed, weigh):
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(0, 3, (N, K)), rng.integers(0, K, N)
    w = rng.uniform(0.1, 2, N) if weigh else None
    loss, _ = hg.SoftmaxCrossEntropy()(Z, y, w)
    theirs = log_loss(y, softmax(Z), labels=range(K), sample_weight=w)
    assert math.isclose(loss, theirs, rel_tol=1e-12, abs_tol=1e-15)


NETWORKS = {
    "linear": [hg.Flatten(), hg.Dense()],
    "two layers": [hg.Flatten(), hg.Dense(9), hg.ReLU(), hg.Dense()],
    "batch norm": [
        *(hg.Flatten(), hg.Dense(9), hg.BatchNorm(), hg.LeakyReLU(), hg.Dense(7)),
        *(hg.BatchNorm(), hg.Sigmoid(), hg.Dense()),
    ],
    "convolutions": [
        *(hg.Conv2d(4, 3, padding=1), hg.MaxPool2d(2), hg.Tanh(), hg.Conv2d(5, 2, stride=2)),
        *(hg.BatchNorm(), hg.SiLU(), hg.GlobalAvgPool2d(), hg.Dense()),
    ],
    "lenet-5": [
        *(hg.Conv2d(3, 5, padding=2), hg.Tanh(), hg.AvgPool2d(2), hg.Conv2d(4, 3), hg.Tanh()),
        *(hg.AvgPool2d(2), hg.Flatten(), hg.Dense(8), hg.Tanh(), hg.Dense()),
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradients_equal_those_of_jax(name):
    jax = pytest.importorskip("jax", reason="jax is not installed: pip install 'handgrad[bench]'")
    jax.config.update("jax_enable_x64", True)
    rng = np.random.default_rng(0)
    net = hg.Network(NETWORKS[name], (2, 9, 8), 4, dtype=np.float64)
    for array in net.parameters.values():
        array += rng.normal(0, 0.3, array.shape)
    X, y = rng.normal(size=(6, 2, 9, 8)), rng.integers(0, 4, 6)
    loss, ours = net.loss_and_grads(X, y)

    value, theirs = jax.value_and_grad(lambda p: jax_loss(net.layers, p, X, y))(dict(net.arrays))
    assert math.isclose(loss, float(value), rel_tol=1e-13)
    largest = max(np.linalg.norm(g) for g in ours.values())
    for key, gradient in ours.items():
        error = np.linalg.norm(gradient - theirs[key])
        scale = np.linalg.norm(theirs[key])
        assert error <= 1e-13 * (scale if scale > 1e-8 * largest else largest), key


def jax_loss(layers, arrays, X, y):
    """Compute the mean cross-entropy with functions of JAX only."""
    from jax import nn, numpy

    for index, layer in enumerate(layers):
        own = {
            name.split(".")[1]: array
            for name, array in arrays.items()
            if name.split(".")[0] == str(index)
        }
        X = jax_forward(layer, own, X)
    return -numpy.mean(nn.log_softmax(X)[numpy.arange(len(y)), y])


def jax_forward(layer, arrays, X):  # noqa: C901, PLR0911 (one line for each layer)
    """Compute a layer's output with functions of JAX."""
    from jax import lax, nn, numpy

    match layer:
        case hg.Flatten():
            return X.reshape(len(X), -1)
        case hg.Dense():
            return X @ arrays["weight"].T + arrays["bias"]
        case hg.Conv2d():
            padding, stride = [(layer.padding, layer.padding)] * 2, (layer.stride, layer.stride)
            names = ("NCHW", "OIHW", "NCHW")
            Y = lax.conv_general_dilated(
                X, arrays["weight"], stride, padding, dimension_numbers=names
            )
            return Y + arrays["bias"][:, None, None]
        case hg.MaxPool2d():
            window = (1, 1, layer.kernel, layer.kernel)
            return lax.reduce_window(X, -numpy.inf, lax.max, window, window, "VALID")
        case hg.AvgPool2d():
            window = (1, 1, layer.kernel, layer.kernel)
            return lax.reduce_window(X, 0.0, lax.add, window, window, "VALID") / layer.kernel**2
        case hg.GlobalAvgPool2d():
            return X.mean(axis=(2, 3))
        case hg.BatchNorm():
            axes = (0, *range(2, X.ndim))
            weight, bias = (
                arrays[name].reshape(-1, *(1,) * (X.ndim - 2)) for name in ("weight", "bias")
            )
            return weight * nn.standardize(X, axis=axes, epsilon=layer.eps) + bias
        case hg.ReLU():
            return nn.relu(X)
        case hg.LeakyReLU():
            return nn.leaky_relu(X, layer.slope)
        case hg.Sigmoid():
            return nn.sigmoid(X)
        case hg.Tanh():
            return numpy.tanh(X)
        case hg.SiLU():
            return nn.silu(X)
    raise NotImplementedError(type(layer).__name__)
