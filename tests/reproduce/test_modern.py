from collections.abc import Callable

import numpy as np
import pytest

from handgrad.layers import Layer
from handgrad.models import deep_convnet, resnet7
from handgrad.network import Network
from handgrad.reproduce.experiment import Training
from handgrad.reproduce.modern import FEW, fashion, mnist
from handgrad.reproduce.notebook import BEST, Notebook

NETWORKS = pytest.mark.parametrize(
    ("layers", "make", "count", "aim"),
    [(deep_convnet, mnist, 186_090, 0.996), (resnet7, fashion, 256_074, 0.935)],
)


def best(book: Notebook) -> Training:
    (experiment,) = book.experiments
    variant = experiment.variants[BEST]
    assert isinstance(variant, Training)
    return variant


@NETWORKS
def test_size_and_goal_are_as_documented(
    layers: Callable[[], list[Layer]], make: Callable[..., Notebook], count: int, aim: float
) -> None:
    assert best(make()).layers == tuple(layers())
    net = Network([*layers()], (1, 28, 28), 10)
    assert net.summary().parameters == count
    assert f"{count:,} parameters" in (layers.__doc__ or "")
    assert f"{count:,} parameters" in make().about
    assert make().experiments[0].ranges == {(BEST, "test accuracy"): (aim, 1.0)}
    assert f"{100 * aim:.1f} %" in make().about


@pytest.mark.parametrize("make", [mnist, fashion])
def test_each_computes_logits(make: Callable[..., Notebook]) -> None:
    X = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28), np.uint8)
    logits = Network([*best(make()).layers], (1, 28, 28), 10).logits(X)
    assert logits.shape == (3, 10)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("make", [mnist, fashion])
def test_the_quick_run_has_few_images_and_epochs(make: Callable[..., Notebook]) -> None:
    variant = best(make(quick=True))
    assert (variant.images, variant.config.epochs) == (FEW, 2)
    assert variant.config.augment is None
    assert best(make()).images is None
