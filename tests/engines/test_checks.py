"""Every engine rejects invalid batches before the first step, with the same message."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from handgrad.engines import ReferenceEngine, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.errors import ConfigError, DataError
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD
from tests.engines.agreement import CASE, CONFIG, STEPS, batches

NUMBERS = np.arange(19)


def engines() -> list[Any]:
    """Return every installed engine, each with its own network."""
    found: list[Any] = [
        make(CASE["wide"].network(), CONFIG) for make in (ReferenceEngine, CompiledEngine)
    ]
    try:
        from handgrad.engines.torch import TorchEngine
    except ImportError:
        return found
    return [*found, TorchEngine(CASE["wide"].network(), CONFIG, "cpu")]


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (
            {"order": np.arange(-1, 117)},
            "the order must contain only indices from 0 to 18, but it contains -1",
        ),
        (
            {"order": np.arange(117)},
            "the order must contain only indices from 0 to 18, but it contains 116",
        ),
        (
            {"order": np.zeros(117)},
            r"whole numbers, not an array of shape \(117,\) and type float64",
        ),
        ({"labels": NUMBERS[:18] % 5}, "there must be exactly one label per image: 19, not 18"),
        ({"labels": NUMBERS % 6}, "labels must be 0 to 4 for 5 logits, found 5"),
        ({"labels": NUMBERS % 5 - 1}, "labels must be 0 to 4 for 5 logits, found -1"),
        ({"labels": NUMBERS / 4}, r"labels must be 117 whole numbers, not an array \(117,\)"),
        ({"weights": np.ones(18)}, "exactly one weight per image: 19 finite numbers of at least 0"),
        (
            {"weights": np.full(19, np.inf)},
            "exactly one weight per image: 19 finite numbers of at least 0",
        ),
        (
            {"weights": np.full(19, np.nan)},
            "exactly one weight per image: 19 finite numbers of at least 0",
        ),
        ({"lrs": [0.1] * (STEPS - 1)}, "exactly one learning rate per batch: 20, not 19"),
    ],
)
def test_batches_that_do_not_fit_are_refused(others: dict[str, Any], sentence: str) -> None:
    for engine in engines():
        before = engine.net.snapshot()
        with pytest.raises(DataError, match=sentence):
            engine.run(batches(CASE["wide"], **others))
        assert engine.steps == 0
        np.testing.assert_equal(engine.net.snapshot(), before)


@pytest.mark.parametrize("count", [2, 9])
@pytest.mark.parametrize(
    ("pixel", "sentence"), [(1e300, r"1e\+300, which is too large"), (np.nan, "NaN")]
)
def test_images_that_no_network_can_see_have_no_logits(
    pixel: float, sentence: str, count: int
) -> None:
    X = np.zeros((count, *CASE["wide"].shape))
    X.reshape(-1)[1] = pixel
    for engine in engines():
        with pytest.raises(DataError, match=f"an image contains {sentence}"):
            engine.logits(X)


@pytest.mark.parametrize("limit", [0, -1.0, np.inf, np.nan])
def test_no_engine_is_asked_to_clip_to_nothing(limit: float) -> None:
    with pytest.raises(ConfigError, match=f"clip_norm must be a number above 0, not {limit}"):
        TrainConfig(SoftmaxCrossEntropy(), SGD(), clip_norm=limit)
