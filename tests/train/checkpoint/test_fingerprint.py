from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from tests.train.blobs import blobs, small_net


def test_run_with_weights_resumes_only_with_the_same_weights(tmp_path: Path) -> None:
    data = blobs(count=60)
    weights = np.arange(60) % 3

    def fit(weights: np.ndarray | None, *, resume: bool = True) -> None:
        net, kept = small_net(data), hg.CheckpointConfig(tmp_path)
        hg.fit(
            net,
            data,
            validation=0.2,
            weights=weights,
            epochs=1,
            batch_size=8,
            checkpoint=kept,
            resume=resume,
        )

    fit(weights, resume=False)
    fit(weights)
    for others in (None, weights[::-1]):
        with pytest.raises(
            hg.ConfigError, match=r"cannot resume: weights was [0-9a-f]+ and is now"
        ):
            fit(others)
