"""Our float32 gradients are as near to the truth as float32 can be, at every point judged."""

from dataclasses import dataclass

import pytest
from threadpoolctl import threadpool_limits

from handgrad.gradcheck.oracle import Witness, judge
from handgrad.gradcheck.registry import NAMED, known
from handgrad.gradcheck.target import Subject
from handgrad.layers import Array, Dense, Params, ReLU, Sequential
from tests.extras import needs

needs("torch")

from handgrad.gradcheck import rounding  # noqa: E402
from handgrad.gradcheck import torch_forward as in_torch  # noqa: E402

CALM = rounding.BOUND / rounding.SHARE


@dataclass(frozen=True)
class Rough(Dense):
    """A linear layer whose backward is computed with a few digits too little."""

    digits: float = 1e-5

    def backward(self, params: Params, cache: Array, dY: Array) -> tuple[Array, Params]:
        dX, found = super().backward(params, cache, dY)
        return dX, found | {"weight": found["weight"] * dY.dtype.type(1 + self.digits)}


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def heard(subject: Subject, seed: int, training: bool = True) -> Witness:
    return rounding.witness(subject, subject.point(seed, training))


def assert_right(subject: Subject, seed: int) -> None:
    for training in (True, False):
        said = heard(subject, seed, training)
        assert said.bound == rounding.BOUND
        assert [finding for finding in judge(said) if not finding.ok] == []


@pytest.mark.parametrize(
    ("name", "seed"), [("fashion-mlp", 4), ("fashion-mlp", 8), ("smallnet", 25), ("lenet5", 82)]
)
def test_where_rounding_does_much_another_point_is_judged(name: str, seed: int) -> None:
    """A variance of 0.002 among four examples, a kink, a sum of 3,136 terms that cancel."""
    assert_right(NAMED[name], seed)


def test_what_rounding_does_is_measured() -> None:
    """Of four examples that a batch norm sees nearly alike it does much."""
    subject = NAMED["fashion-mlp"]
    moved = {
        (seed, training): rounding.moved_by_rounding(subject.layer, subject.point(seed, training))
        for seed in (2, 4)
        for training in (True, False)
    }
    assert moved[4, True] > 2 * CALM
    assert 1e-8 < moved[4, False] < moved[2, True] < CALM


def test_a_kink_near_enough_for_rounding_shows() -> None:
    layer = Sequential((Dense(6), ReLU()))
    point = Subject("kinked", layer, (4,)).point(0, training=True)
    calm = rounding.moved_by_rounding(layer, point)
    Y, _ = Dense(6).forward(point.params["0"], point.X, point.ctx)
    point.params["0"]["bias"][0] -= Y[0, 0] - 1e-9
    assert calm < CALM < 1e-3 < rounding.moved_by_rounding(layer, point)


def test_a_gradient_with_fewer_digits_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(in_torch.FORWARDS, Rough, in_torch.FORWARDS[Dense])
    for digits, wrong in ((1e-5, ["weight"]), (0.0, [])):
        found = judge(heard(Subject("rough", Rough(4, digits=digits), (6,)), 0))
        assert [finding.tensor for finding in found if not finding.ok] == wrong


def test_where_no_point_is_calm_the_bound_is_what_rounding_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subject = NAMED["fashion-mlp"]
    monkeypatch.setattr(rounding, "BOUND", 1e-8)
    said = heard(subject, 0)
    assert 1e-7 < said.bound < 1e-5
    assert all(finding.ok for finding in judge(said))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_every_layer_and_model_is_right_at_points_of_every_seed(seed: int) -> None:
    """`pytest -m slow tests/verify/test_rounding.py`: a minute."""
    for subject in known("all"):
        assert_right(subject, seed)
