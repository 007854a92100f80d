"""The golden gradients equal those of autograd, and cover every built-in network."""

import json

import numpy as np
import pytest

from conformance.accuracy_parity import __main__ as accuracy_parity
from handgrad.gradient_check import autograd
from handgrad.gradient_check import golden_gradients as golden
from handgrad.gradient_check import oracle as oracles
from handgrad.gradient_check.registry import NAMED, find_targets
from handgrad.models import MODELS
from tests.extras import needs


def test_every_built_in_network_has_golden_gradients() -> None:
    kept = json.loads(golden.FILE.read_text("utf-8"))
    assert set(kept) == set(MODELS)
    assert golden.run_oracle(find_targets("dense")[0]) is None


@pytest.mark.parametrize("name", ["softmax-regression", "lenet5"])
def test_golden_gradients_can_be_computed_again(name: str) -> None:
    needs("torch")
    kept = json.loads(golden.FILE.read_text("utf-8"))[name]
    again = json.loads(json.dumps(golden.compute([NAMED[name]])))[name]
    assert set(again) == set(kept)
    for tensor, entry in kept.items():
        assert again[tensor]["shape"] == entry["shape"]
        assert again[tensor]["norm"] == pytest.approx(entry["norm"], rel=1e-12)
        assert again[tensor]["elements"] == pytest.approx(entry["elements"], rel=1e-10)


def test_a_changed_number_is_detected() -> None:
    said = golden.run_oracle(NAMED["two-layer"])
    assert said
    weight = said.ours["2.weight"].copy()
    place = said.expected_gradients["2.weight"].elements[0]
    weight.reshape(-1)[place] *= 1 + 1e-9
    found = oracles.compare(said, "2.weight", weight)
    assert not found.ok
    assert found.first
    assert np.ravel_multi_index(found.first.index, weight.shape) == place


def test_without_pytorch_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(autograd, "is_available", lambda: False)
    for main in (golden.main, lambda: accuracy_parity.main([])):
        assert main() == 1
        assert capsys.readouterr().err == (
            'error: PyTorch is not installed; install it with pip install "handgrad[torch]"\n'
        )
