from dataclasses import replace

import numpy as np
import pytest

from handgrad.reproduce.experiment import RunContext
from handgrad.reproduce.softmax_regression import FullBatch, clipped_loss, notebook
from tests.extras import needs
from tests.reproduce.samples import wide

SMALL = FullBatch(blocks=2, validation=50)


def run(variant: FullBatch) -> dict[str, float]:
    return variant.run(RunContext(*wide(), 0, "reference")).metrics


def test_label_minus_one_learns_but_predictions_must_be_shifted_back() -> None:
    wrong = run(replace(SMALL, label_minus_one=True))
    assert wrong["training accuracy"] > 0.9
    assert wrong["training accuracy, not shifted back"] < 0.05


def test_the_wrong_sign_increases_the_loss() -> None:
    assert run(SMALL)["training accuracy"] > 0.9
    assert run(replace(SMALL, sign=-1))["training accuracy"] < 0.2


def test_pytorch_makes_the_same_steps() -> None:
    needs("torch")
    ours, theirs = run(SMALL), run(replace(SMALL, engine="torch:cpu"))
    assert theirs["training loss"] == pytest.approx(ours["training loss"], abs=0.02)
    assert theirs["validation accuracy"] == pytest.approx(ours["validation accuracy"], abs=0.021)


def test_the_loss_of_clipped_probabilities_is_at_most_20_7() -> None:
    Z = np.array([[0.0, 900.0], [900.0, 0.0]])
    assert clipped_loss(Z, np.array([0, 1])) == pytest.approx(-np.log(1e-9))
    assert clipped_loss(Z, np.array([1, 0])) == pytest.approx(0)


def test_the_published_values() -> None:
    by_hand, _, in_pytorch = notebook().experiments
    assert by_hand.published["training accuracy"] == 0.922
    assert by_hand.published["validation accuracy"] == 0.9075
    assert in_pytorch.published["validation accuracy"] == 0.857
