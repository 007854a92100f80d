"""Files of every format version can be read, and their models give the same outputs as before."""

from __future__ import annotations

import pytest

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.classifier.format_upgrades import FORMAT, upgrade
from handgrad.export.verify import verify_bundle
from tests.classifier.write_golden_file import FOLDER

each_format = pytest.mark.parametrize("number", range(1, FORMAT + 1))


@each_format
def test_a_golden_file_gives_the_stored_outputs(number: int) -> None:
    found = verify_bundle(read_bundle(FOLDER / f"format-{number}.safetensors"))
    assert found.changed == ()
    asked = [a.difference for a in found.answers if a.difference is not None]
    assert max(asked) <= 1e-5


@each_format
def test_a_golden_file_has_the_same_contents(number: int) -> None:
    bundle = read_bundle(FOLDER / f"format-{number}.safetensors")
    model = bundle.classifier
    flatten = {1: hg.Flatten, 2: hg.Sequential}[number]
    kinds = [type(layer) for layer in model.network.layers]
    assert kinds == [hg.Normalize, flatten, hg.Dense]
    assert model.classes == tuple(range(10))
    assert model.network.is_fitted
    assert model.network.buffers["0.mean"].item() == pytest.approx(0.305, abs=0.01)
    assert model.preprocessing is not None
    assert model.preprocessing.shape == (1, 8, 8)
    assert model.calibration is not None
    assert model.calibration.precision == 0.98
    assert 0.5 < model.calibration.threshold < 1
    _, test = hg.load_data("digits")
    accuracy = hg.evaluate(model, test).accuracy
    assert accuracy == bundle.about["scores"]["test_accuracy"] > 0.93


def test_a_chain_of_format_1_is_a_sequential() -> None:
    inner = {"kind": "Dense", "units": 3, "initial": {"kind": "HeNormal"}}
    description = {"format": 1, "layers": [{"kind": "Chain", "layers": [inner]}]}
    upgrade(description, {})
    assert description["layers"] == [
        {
            "kind": "Sequential",
            "layers": [{"kind": "Dense", "units": 3, "initializer": {"kind": "HeNormal"}}],
        }
    ]
