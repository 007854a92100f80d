"""Models in C with integers give exactly the logits of the simulation in Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import which

import numpy as np
import pytest

import handgrad as hg
from handgrad.errors import ModelError
from handgrad.export.c import compiler, write_c
from handgrad.export.c.cost import quantize
from handgrad.export.c.quantize import Quantized
from handgrad.layers import BatchNorm, Conv2d, Dense, Flatten, LeakyReLU, ReLU, Residual
from tests.cases import CASES, Case, stir
from tests.export.c_library import bundle_of

IMAGES = [case for case in CASES if len(case.shape) == 3]


def pixels(shape: tuple[int, ...], count: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


@pytest.mark.parametrize("case", IMAGES, ids=lambda case: case.name)
def test_the_logits_are_near_those_of_float32(case: Case) -> None:
    net = case.network()
    quantized = Quantized(net, pixels(case.shape))
    X = pixels(case.shape, 20, 1)
    expected, found = net.logits(X), quantized.logits(X)
    assert np.abs(found - expected).max() <= 0.1 * np.abs(expected).max()


CHECKS = ("-fsanitize=undefined", "-fno-sanitize-recover=all", "-O1") if which("gcc") else ()
EXACT = ("all-pools", "all-noise", "resnet", "every-activation", "lenet5", "resnet7")


@pytest.mark.parametrize("name", EXACT)
def test_c_gives_exactly_the_simulated_logits(name: str, tmp_path: Path) -> None:
    (case,) = (case for case in CASES if case.name == name)
    images = pixels(case.shape)
    model = hg.Classifier(case.network(), pixel_range=None)
    bundle = bundle_of(model, images)
    quantized = Quantized(model.network, images)
    many = pixels(case.shape, 40, 2)
    logits = model.network.logits(many)
    bundle = replace(bundle, golden=replace(bundle.golden, images=many, logits=logits))
    write_c(bundle, tmp_path / "net.h", quantized=quantized)
    status, printed = compiler.run_test(tmp_path / "net.h", CHECKS)
    assert (status, printed) == (
        0,
        "40 of 40 answers as on the day it was saved, largest difference 0.0e+00",
    )


def test_batch_normalization_and_relu_are_part_of_the_convolution() -> None:
    layers = [Conv2d(4, 3), BatchNorm(), ReLU(), Flatten(), Dense()]
    net = hg.Network(layers, (1, 8, 8), 3)
    stir(net.arrays, np.random.default_rng(0))
    quantized = Quantized(net, pixels((1, 8, 8)))
    assert [op.path for op in quantized.ops] == ["0 Conv2d + BatchNorm + ReLU", "4 Dense"]


def test_a_collapse_is_refused() -> None:
    """One output is a million times larger than the others, so that they share no scale."""
    train, test = hg.load_data("digits")
    layers = [Flatten(), Dense(32), LeakyReLU(), Dense()]
    model = hg.Classifier.for_data(layers, train, seed=1)
    hg.fit(model, train, epochs=5)
    quantize(model, train, {"test": test}, 3.0)
    planted = model.network.params["1"]
    planted["weight"][0], planted["bias"][0] = 0, 1e6
    model.network.params["3"]["weight"][:, 0] = 0
    assert hg.evaluate(model, test).accuracy > 0.8
    with pytest.raises(ModelError, match="percentage points of accuracy on the test images"):
        quantize(model, train, {"test": test}, 3.0)


def test_other_images_than_bytes_are_refused() -> None:
    net = hg.Network([Flatten(), Dense()], (1, 2, 2), 2)
    with pytest.raises(ModelError, match="int8 needs images of bytes"):
        Quantized(net, np.zeros((3, 1, 2, 2), np.float32))


def test_a_residual_block_of_nothing_is_doubled() -> None:
    net = hg.Network([Residual(()), Flatten(), Dense()], (1, 4, 4), 2)
    X = pixels((1, 4, 4))
    expected, found = net.logits(X), Quantized(net, X).logits(X)
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
