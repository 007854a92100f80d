"""`hg.gradcheck` checks layers, losses and networks, and its result can be read."""

import re
from dataclasses import dataclass

import numpy as np
import pytest

import handgrad as hg
from handgrad.errors import ConfigError, ModelError
from handgrad.layers import Array, Params


@dataclass(frozen=True)
class WrongTanh(hg.Tanh):
    def backward(self, params: Params, cache: Array, dY: Array) -> tuple[Array, Params]:
        dX, gradients = super().backward(params, cache, dY)
        return -dX, gradients


def test_a_layer_needs_the_shape_of_one_example() -> None:
    with pytest.raises(ConfigError, match=r"needs the shape of one example for Tanh: shape=\(3, 6"):
        hg.gradcheck(hg.Tanh())
    result = hg.gradcheck(hg.Tanh(), (3, 4), batch_size=2)
    assert result.ok
    assert [report.mode for report in result.reports] == ["training", "inference"]


def test_a_network_is_checked_at_its_own_arrays() -> None:
    net = hg.Network([hg.Flatten(), hg.Dense(3), hg.ReLU(), hg.Dense()], (1, 2, 3), 2, seed=1)
    result = hg.gradcheck(net, training=True)
    assert result.ok
    tensors = {comparison.tensor for comparison in result.reports[0].comparisons}
    assert tensors == {"X", "1.weight", "1.bias", "3.weight", "3.bias"}


def test_a_loss_and_a_name() -> None:
    assert hg.gradcheck(hg.SoftmaxCrossEntropy(0.1), training=False).ok
    assert {report.name for report in hg.gradcheck("ReLU").reports} == {"relu", "relu-flat"}


def test_the_result_shows_a_row_for_each_gradient_and_the_cause() -> None:
    result = hg.gradcheck(WrongTanh(), (4,), training=True)
    assert not result
    head, row, cause, summary = repr(result).splitlines()
    assert head.split() == [
        "target",
        "mode",
        "gradient",
        "of",
        "oracle",
        "error",
        "bound",
        "verdict",
    ]
    assert row.split()[:3] == ["WrongTanh", "training", "X"]
    assert row.endswith("wrong")
    assert cause == "likely cause (X): the sign is wrong"
    assert "comparisons passed" in summary
    page = re.sub(r' style="[^"]*"', "", result._repr_html_())
    assert page.startswith("<table>")
    assert "<td>WrongTanh</td><td>training</td><td>X</td>" in page
    assert "<p>likely cause (X): the sign is wrong</p>" in page


@pytest.mark.parametrize("wrong", [hg.Tanh, 3, "Tanhh", None])
def test_other_targets_are_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match="a layer, a loss"):
        hg.gradcheck(wrong, (3,))


def test_a_layer_that_breaks_the_contract_is_refused() -> None:
    class Impure(hg.Tanh):
        def forward(self, params, X, ctx):
            return X + np.random.default_rng().random(X.shape), X

    with pytest.raises(ModelError, match="Impure: forward returns different numbers"):
        hg.gradcheck(Impure(), (3,))
