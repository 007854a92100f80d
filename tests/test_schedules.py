import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.errors import ConfigError
from handgrad.schedules import Constant, Cosine, OneCycle, Plateau, Progress, Schedule, Step
from tests.extras import needs

torch = needs("torch")
lr_scheduler = torch.optim.lr_scheduler

STEPS, EPOCHS = 7, 6
TOTAL = STEPS * EPOCHS


def ours(schedule: Schedule) -> list[float]:
    return [schedule.factor(Progress(step, STEPS, EPOCHS)) for step in range(TOTAL)]


def theirs(
    make: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler],
) -> list[float]:
    """Return PyTorch's learning rate in each update, for a base learning rate of 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, lrs = make(optimizer), []
    for _ in range(TOTAL):
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(lrs) < TOTAL:
            scheduler.step()
    return lrs


def test_progress() -> None:
    shares = [Progress(step, STEPS, EPOCHS).share for step in range(TOTAL)]
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares == sorted(shares)
    assert [Progress(step, STEPS, EPOCHS).epoch for step in (0, 6, 7, 41)] == [0, 0, 1, 5]
    assert Progress(0, 1, 1).share == 0


def test_constant() -> None:
    assert set(ours(Constant())) == {1.0}


def test_step_equals_pytorchs() -> None:
    """PyTorch's schedule is stepped after each update, so it counts updates instead of epochs."""
    found = theirs(lambda o: lr_scheduler.StepLR(o, step_size=2 * STEPS, gamma=0.3))
    assert ours(Step(every=2, gamma=0.3)) == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_cosine_equals_pytorchs_schedule_and_its_formula(floor: float) -> None:
    found = theirs(lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL - 1, eta_min=floor))
    assert ours(Cosine(floor)) == pytest.approx(found, rel=1e-10, abs=1e-15)
    formula = [
        floor + (1 - floor) * (1 + math.cos(math.pi * step / (TOTAL - 1))) / 2
        for step in range(TOTAL)
    ]
    assert ours(Cosine(floor)) == pytest.approx(formula, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("warm_up", [0.1, 0.3, 0.6])
def test_one_cycle_equals_pytorchs(warm_up: float) -> None:
    """PyTorch ends the warm-up one update before the given fraction, handgrad at the fraction."""
    share = (warm_up * (TOTAL - 1) + 1) / TOTAL
    found = theirs(
        lambda o: lr_scheduler.OneCycleLR(
            o, max_lr=1.0, total_steps=TOTAL, pct_start=share, cycle_momentum=False
        )
    )
    assert ours(OneCycle(warm_up)) == pytest.approx(found, rel=1e-10)


def test_one_cycle_goes_up_and_then_down() -> None:
    factors = ours(OneCycle(warm_up=0.25, start=0.1, end=0.01))
    top = factors.index(max(factors))
    assert factors[0] == pytest.approx(0.1)
    assert factors[-1] == pytest.approx(0.01)
    assert max(factors) == pytest.approx(1, abs=0.01)
    assert top == pytest.approx(TOTAL / 4, abs=1)
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_one_cycle_without_warm_up_starts_at_the_top() -> None:
    assert ours(OneCycle(warm_up=0.0))[0] == 1.0


@given(
    st.lists(st.floats(0, 2), max_size=30),
    st.integers(1, 4),
    st.floats(0.1, 0.9),
    st.floats(0, 0.2),
)
def test_plateau_equals_pytorchs(
    losses: list[float], patience: int, gamma: float, min_delta: float
) -> None:
    """PyTorch lowers the rate after `patience + 1` bad epochs, handgrad after `patience`."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    counterpart = lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=gamma,
        patience=patience - 1,
        threshold=min_delta,
        threshold_mode="abs",
        eps=0.0,
    )
    schedule = Plateau(patience, gamma, min_delta)
    for epoch, loss in enumerate(losses, start=1):
        counterpart.step(loss)
        progress = Progress(epoch * STEPS, STEPS, 50, tuple(losses[:epoch]))
        assert schedule.factor(progress) == pytest.approx(
            optimizer.param_groups[0]["lr"], rel=1e-12
        )


def test_plateau_by_hand() -> None:
    losses = (1.0, 0.9, 0.95, 0.91, 0.8, 0.8, 0.8)
    schedule = Plateau(patience=2, gamma=0.5)
    found = [schedule.factor(Progress(0, 1, 9, losses[:n])) for n in range(8)]
    assert found == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize(
    ("kind", "setting", "sentence"),
    [
        (Step, {"every": 0}, "every must be at least 1 epoch, not 0"),
        (Step, {"gamma": -0.1}, "gamma must be between 0 and 1, not -0.1"),
        (Cosine, {"floor": 1.5}, "floor must be between 0 and 1, not 1.5"),
        (Cosine, {"floor": math.nan}, "floor must be between 0 and 1, not nan"),
        (OneCycle, {"warm_up": 1.0}, "warm_up must be at least 0 and below 1, not 1.0"),
        (OneCycle, {"start": -1}, "start must be between 0 and 1, not -1"),
        (OneCycle, {"end": 2}, "end must be between 0 and 1, not 2"),
        (Plateau, {"patience": 0}, "patience must be at least 1 epoch, not 0"),
        (Plateau, {"gamma": 1.1}, "gamma must be between 0 and 1, not 1.1"),
        (Plateau, {"min_delta": -1}, "min_delta must be a number of at least 0, not -1"),
    ],
)
def test_constants_out_of_range_are_refused(kind: type, setting: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        kind(**setting)
