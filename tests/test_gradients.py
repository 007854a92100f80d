"""The check that proves the gradients must itself be able to say no."""

from dataclasses import dataclass

import numpy as np
import pytest

from handgrad.layers import Array, Context, Dense, Params, ReLU
from tests.cases import Case
from tests.extras import needs
from tests.gradients import check_layer, errors, spoils
from tests.torch_twin import check_autograd


@dataclass(frozen=True)
class WrongDense(Dense):
    """A linear layer whose backward is spoilt."""

    spoilt: str = ""

    def backward(self, params: Params, cache: Array, dY: Array) -> tuple[Array, Params]:
        dX, gradients = super().backward(params, cache, dY)
        if self.spoilt == "zeroed":
            return dX, gradients | {"weight": 0 * gradients["weight"]}
        if self.spoilt == "scaled":
            return dX, gradients | {"bias": 1.01 * gradients["bias"]}
        return dX.T.reshape(dX.shape), gradients


@dataclass(frozen=True)
class AlwaysOnItsKink(ReLU):
    """A ReLU whose kink lies wherever its input happens to be, plus a little."""

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Array]:
        return np.abs(np.sin(X * 1e6)), X


@pytest.mark.parametrize("spoilt", ["zeroed", "scaled", "transposed"])
def test_a_wrong_backward_is_rejected(spoilt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("torch")
    from handgrad.gradient_check import torch_forward as in_torch

    monkeypatch.setitem(in_torch.FORWARDS, WrongDense, in_torch.FORWARDS[Dense])
    case = Case("wrong", (WrongDense(4, spoilt=spoilt),), (6,))
    with pytest.raises(AssertionError):
        check_layer(case, training=True)
    with pytest.raises(AssertionError):
        check_autograd(case, training=True)


def test_inputs_on_a_kink_are_never_judged() -> None:
    with pytest.raises(AssertionError, match="every draw sat on a kink"):
        check_layer(Case("kinked", (AlwaysOnItsKink(),), (3,)), training=True)


def test_a_gradient_that_is_zero_but_for_rounding_is_measured_against_all() -> None:
    theirs = {"weight": np.array([3.0, 4.0]), "bias": np.array([1e-16])}
    ours = {"weight": np.array([3.0, 4.0]), "bias": np.array([-1e-16])}
    assert errors(ours, theirs) == {"weight": 0.0, "bias": pytest.approx(4e-17)}


def test_spoilt_gradients_are_zeroed_scaled_and_transposed() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    zeroed, scaled, transposed = (array for _, array in spoils({"weight": matrix}))
    assert not zeroed.any()
    np.testing.assert_array_equal(scaled, 1.01 * matrix)
    np.testing.assert_array_equal(transposed, [[0, 3, 1], [4, 2, 5]])
