"""A file written by an earlier version is read, and answers as it did."""

from __future__ import annotations

import pytest

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.export.verify import verify_bundle
from tests.classifier.write_golden_file import KEPT


def test_the_kept_file_answers_as_it_did() -> None:
    bundle = read_bundle(KEPT)
    found = verify_bundle(bundle)
    assert found.changed == ()
    asked = [a.difference for a in found.answers if a.difference is not None]
    assert max(asked) <= 1e-5


def test_the_kept_file_holds_what_it_held() -> None:
    bundle = read_bundle(KEPT)
    net = bundle.net
    assert [type(layer) for layer in net.layers] == [hg.Normalize, hg.Flatten, hg.Dense]
    assert net.classes == tuple(range(10))
    assert net.is_fitted
    assert net.buffers["0.mean"].item() == pytest.approx(0.305, abs=0.01)
    assert net.preprocessing is not None
    assert net.preprocessing.shape == (1, 8, 8)
    assert net.calibration is not None
    assert net.calibration.precision == 0.98
    assert 0.5 < net.calibration.threshold < 1
    _, test = hg.load_data("digits")
    accuracy = hg.evaluate(net, test).accuracy
    assert accuracy == bundle.about["scores"]["test_accuracy"] > 0.93
