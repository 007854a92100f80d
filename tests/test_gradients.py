"""The tests' own gradient check rejects wrong gradients."""

from dataclasses import dataclass

import numpy as np
import pytest

from handgrad.layers import Array, Context, Dense, Params, ReLU
from tests.autograd_check import check_autograd
from tests.cases import Case
from tests.extras import needs
from tests.gradients import check_layer, errors, mutations


@dataclass(frozen=True)
class WrongDense(Dense):
    """A linear layer with a wrong backward pass."""

    mutation: str = ""

    def backward(self, params: Params, cache: Array, dY: Array) -> tuple[Array, Params]:
        dX, gradients = super().backward(params, cache, dY)
        if self.mutation == "zeroed":
            return dX, gradients | {"weight": 0 * gradients["weight"]}
        if self.mutation == "scaled":
            return dX, gradients | {"bias": 1.01 * gradients["bias"]}
        return dX.T.reshape(dX.shape), gradients


@dataclass(frozen=True)
class AlwaysOnItsKink(ReLU):
    """A ReLU with a kink near every input."""

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Array]:
        return np.abs(np.sin(X * 1e6)), X


@pytest.mark.parametrize("mutation", ["zeroed", "scaled", "transposed"])
def test_a_wrong_backward_is_rejected(mutation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("torch")
    from handgrad.engines.torch.modules import MODULES

    monkeypatch.setitem(MODULES, WrongDense, MODULES[Dense])
    case = Case("wrong", (WrongDense(4, mutation=mutation),), (6,))
    with pytest.raises(AssertionError):
        check_layer(case, training=True)
    with pytest.raises(AssertionError):
        check_autograd(case, training=True)


def test_inputs_on_a_kink_are_never_used() -> None:
    with pytest.raises(AssertionError, match="every draw was on a kink"):
        check_layer(Case("kinked", (AlwaysOnItsKink(),), (3,)), training=True)


def test_the_error_of_a_zero_gradient_is_relative_to_all_gradients() -> None:
    theirs = {"weight": np.array([3.0, 4.0]), "bias": np.array([1e-16])}
    ours = {"weight": np.array([3.0, 4.0]), "bias": np.array([-1e-16])}
    assert errors(ours, theirs) == {"weight": 0.0, "bias": pytest.approx(4e-17)}


def test_mutations_are_zeroed_scaled_and_transposed() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    zeroed, scaled, transposed = (array for _, array in mutations({"weight": matrix}))
    assert not zeroed.any()
    np.testing.assert_array_equal(scaled, 1.01 * matrix)
    np.testing.assert_array_equal(transposed, [[0, 3, 1], [4, 2, 5]])
