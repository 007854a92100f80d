from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.train import loop
from handgrad.train.checkpoint.fingerprint import PIXEL_RANGE, run_fingerprint
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


@pytest.mark.parametrize("white", [16, 255, 4.25, 254.5])
def test_a_run_of_a_version_that_did_not_scale_images_is_refused_with_the_cause(
    white: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = np.random.default_rng(0).random((60, 1, 4, 4)) * white
    X[0, 0, 0] = (0, white, 0, 0)
    X = np.rint(X) if float(white).is_integer() else X
    y = np.arange(60) % 2
    known = None if white >= 16 else (0, white)

    def fit(data: hg.Dataset) -> None:
        net = hg.Network([hg.Flatten(), hg.Dense()], data.shape, 2)
        hg.fit(net, data, epochs=1, batch_size=8, checkpoint=tmp_path, resume=True)

    def old_fingerprint(*arguments: Any) -> dict[str, str]:
        found = run_fingerprint(*arguments)
        del found[PIXEL_RANGE]
        return found

    with monkeypatch.context() as patch:
        patch.setattr(loop, "run_fingerprint", old_fingerprint)
        fit(hg.Dataset.from_arrays(X.astype(np.float32), y, pixel_range="raw"))
    scaled = hg.Dataset.from_arrays(X, y, pixel_range=known)
    assert scaled.images.dtype == np.uint8 or scaled.images.max() <= 1
    with pytest.raises(hg.ConfigError, match=r"cannot resume: an earlier version .* as they are"):
        fit(scaled)
    if scaled.images.dtype == np.uint8:  # otherwise the old digest is unknown
        with pytest.raises(hg.ConfigError, match="the training images are different"):
            fit(hg.Dataset.from_arrays(white - X, y))


def test_images_that_changed_are_not_taken_for_images_that_were_not_scaled(tmp_path: Path) -> None:
    X, y = np.random.default_rng(0).random((60, 1, 4, 4)) * 254.5, np.arange(60) % 2
    X[0, 0, 0, 0] = 254.5
    for change in (0, 1):
        X[5, 0, 0, 0] = 30.5 + change
        data = hg.Dataset.from_arrays(X, y)
        net = hg.Network([hg.Flatten(), hg.Dense()], data.shape, 2)
        options = {"epochs": 1, "batch_size": 8, "checkpoint": tmp_path, "resume": True}
        if not change:
            hg.fit(net, data, **options)
            continue
        with pytest.raises(hg.ConfigError, match="the training images are different"):
            hg.fit(net, data, **options)
