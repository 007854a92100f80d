from dataclasses import replace
from importlib.util import find_spec

import pytest

from handgrad.layers import Conv2d, Dense, Flatten
from handgrad.optim import SGD, Adam
from handgrad.reproduce.benchmark import KERAS, NUMPY, OURS, PLAIN, TORCH, Race
from tests.reproduce.samples import LAYERS, setting

RACE = Race(LAYERS, SGD(0.03), 1, 400, 5_000, rounds=1, with_keras=True)


def test_all_contestants_learn_the_same() -> None:
    came = RACE.run(setting(engine="auto"))
    installed = [(TORCH, "torch"), (KERAS, "keras")]
    names = [NUMPY, OURS, PLAIN, *(name for name, package in installed if find_spec(package))]
    assert {n.partition(":")[0] for n in came.figures} == {*names, "total"}
    reached = came.figures[f"{NUMPY}: accuracy"]
    assert reached > 0.5
    for name in names:
        assert came.figures[f"{name}: accuracy"] == pytest.approx(reached, abs=0.02)
        assert came.figures[f"{name}: microseconds"] > 0


def test_what_the_notebook_did_not_do_in_numpy_is_left_out() -> None:
    layers = (Conv2d(2, 3), Flatten(), Dense())
    came = replace(RACE, layers=layers, optimizer=Adam(1e-3), size=32).run(setting())
    assert not any(NUMPY in name or PLAIN in name for name in came.figures)
