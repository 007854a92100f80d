"""Central differences also work for large values and sharp bends, or report that they fail."""

from pathlib import Path

import numpy as np
import pytest

from handgrad.errors import ModelError
from handgrad.gradient_check import finite_differences as differences
from handgrad.gradient_check.check import check
from handgrad.gradient_check.target import Target
from handgrad.gradient_check.user_layer import load_user_layer
from handgrad.layers import ReLU

RIGHT = Path(__file__).parent / "layers" / "right.py"
NAMES = ("Offset", "Sine", "Exponential", "SteepSigmoid", "Clip", "Steep", "Unused")


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("name", NAMES)
def test_correct_layers_with_large_numbers_are_accepted(name: str, training: bool) -> None:
    report = check(load_user_layer(f"{RIGHT}:{name}"), training=training)
    assert report.ok
    assert all(f.bound == 1e-7 for f in report.comparisons if f.oracle == "differences")


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: x + 1e6, 1.0),
        (lambda x: np.sin(100 * x), 100.0),
        (lambda x: 3 * x + 1e7, 3.0),
        (lambda x: np.tanh(1e3 * x), 1e3),
    ],
)
def test_the_step_suits_the_numbers(f, slope: float) -> None:
    x = np.zeros(1)
    found = differences.refined(
        lambda: float(f(x[0]) - f(0.0)), x, 0, 1e-8 * slope, abs(float(f(0)))
    )
    assert found.value == pytest.approx(slope, rel=1e-8)
    assert found.doubt <= 1e-8 * slope


@pytest.mark.parametrize("place", [0.0, 1e-9, 2e-7, 1e-6, 2.4e-6, 3e-6, 4.9e-6, 5e-6, 9.9e-6])
def test_no_step_makes_a_kink_go_away(place: float) -> None:
    x = np.zeros(1)
    found = differences.refined(lambda: abs(float(x[0]) - place) - place, x, 0, 1e-8)
    assert found.doubt > 1e-8


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        ("X + 1e14", "differences in float64 cannot check it at any of 100 points; its numbers"),
        ("(X * 3).astype('f4').astype(float)", "or forward rounds to float32"),
        ("np.sign(np.sin(1e9 * X))", "no slope at any of 100 points; it jumps everywhere"),
    ],
)
def test_layers_that_cannot_be_checked_are_refused(tmp_path: Path, of: str, sentence: str) -> None:
    text = RIGHT.read_text().replace("return self.of(X), X", f"return {of}, X")
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ModelError, match=sentence):
        check(load_user_layer(f"{tmp_path / 'mine.py'}:Offset"))


def test_at_a_kink_no_other_step_is_tried() -> None:
    target = Target("relu", ReLU(), (3,))
    point = target.point(0, training=True)
    point.X[0, 0] = 5e-7
    with pytest.raises(differences.KinkError) as caught:
        differences.measure_slopes(target, point, np.random.default_rng(0))
    assert not caught.value.jumps
