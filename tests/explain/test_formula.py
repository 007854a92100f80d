from dataclasses import dataclass

import pytest

import handgrad as hg
from handgrad import layers, losses
from handgrad.explain.formula import formula_of

KINDS = [*layers.LAYER_CLASSES.values()]


@pytest.mark.parametrize("kind", [*KINDS, losses.SoftmaxCrossEntropy])
def test_every_layer_and_loss_documents_forward_and_backward(kind):
    said = formula_of(kind)
    assert said.sentence.endswith(".")
    assert any("=" in part for part in said.forward)
    assert said.backward
    assert not any(" dX =" in part for part in said.forward)


def test_shapes_stay_together_and_derivatives_apart():
    assert formula_of(hg.Dense) == (
        "A linear layer: each output is a weighted sum of all inputs, plus a bias.",
        ("Y = X Wᵀ + b", "X (N, I)   W (O, I)   b (O,)   Y (N, O)"),
        ("dX = dY W", "dW = dYᵀ X", "db = Σₙ dY"),
    )


@dataclass(frozen=True)
class Twice:
    """Twice the number.

    Y = 2X        X any shape
    which is X + X

    It is the case that

    dX = 2dY

    Where the slope is asked for:

    dX = 2 dY

    A. Author 2000, "Doubling", section 2.

    Attributes:
        none: d = 0.
    """


def test_sentences_sections_and_sources():
    said = formula_of(Twice)
    assert said.forward == (*("Y = 2X", "X any shape", "which is X + X", "It is the case that"),)
    assert said.backward == ("dX = 2dY", "Where the slope is asked for:", "dX = 2 dY")


def test_without_a_docstring_there_is_nothing_to_say():
    class Silent:
        pass

    assert formula_of(Silent) == ("", (), ())
