import numpy as np
import pytest

from handgrad.network import Network
from handgrad.reproduce.modern import FEW, fashion, mnist, resnet7
from handgrad.reproduce.notebook import BEST, Notebook
from handgrad.reproduce.piece import Fit


def best(book: Notebook) -> Fit:
    (experiment,) = book.experiments
    part = experiment.parts[BEST]
    assert isinstance(part, Fit)
    return part


def test_it_is_as_large_as_is_said() -> None:
    net = Network([*resnet7()], (1, 28, 28), 10)
    assert net.summary().parameters == 256_074
    assert "256,074" in (resnet7.__doc__ or "")
    assert "256,074" in mnist().about


def test_it_says_something_of_pictures() -> None:
    net = Network([*resnet7()], (1, 28, 28), 10)
    X = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28), np.uint8)
    assert net.logits(X).shape == (3, 10)


def test_both_data_sets_have_the_same_network() -> None:
    assert best(mnist()).layers == best(fashion()).layers == resnet7()


def test_the_aims_are_the_ranges() -> None:
    for book, aim in ((mnist(), 0.996), (fashion(), 0.935)):
        assert book.experiments[0].ranges == {(BEST, "test accuracy"): (aim, 1.0)}
        assert f"{100 * aim:.1f} %" in book.about


@pytest.mark.parametrize("make", [mnist, fashion])
def test_the_quick_run_is_a_moment(make: type[Notebook]) -> None:
    part = best(make(quick=True))
    assert (part.pictures, part.recipe.epochs) == (FEW, 2)
    assert best(make(quick=False)).pictures is None
