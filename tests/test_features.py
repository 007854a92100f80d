from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.features import save_features

LAYERS = (
    *(hg.Normalize(), hg.Conv2d(3, 3), hg.Residual((hg.Conv2d(3, 3, padding=1), hg.ReLU()))),
    *(hg.Flatten(), hg.Dense(7), hg.Dropout(0.5), hg.Dense(4), hg.Sequential()),
)
NET = hg.Network(LAYERS, (1, 6, 6), 4)
X = np.random.default_rng(0).integers(0, 256, (9, 1, 6, 6)).astype(np.uint8)


def test_default_is_the_input_of_the_last_dense() -> None:
    found = hg.features(NET, X)
    assert found.shape == (9, 7)
    weight, bias = NET.arrays["6.weight"], NET.arrays["6.bias"]
    np.testing.assert_allclose(found @ weight.T + bias, NET.logits(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "path", "width"),
    [
        (0, "0", 36),
        (1, "1", 48),
        (-2, "6", 4),
        (np.int64(4), "4", 7),
        ("4", "4", 7),
        ("4 Dense", "4", 7),
        ("4 (Dense)", "4", 7),
        ("2.body.0", "2.body.0", 48),
        ("2.body.1 ReLU", "2.body.1", 48),
    ],
)
def test_each_layer_by_index_or_name(layer: Any, path: str, width: int) -> None:
    found = hg.features(hg.Classifier(NET), X, layer, batch_size=4)
    expected = next(step.Y for step in NET.walk(X, inner=True) if step.path == path)
    assert found.shape == (9, width)
    np.testing.assert_allclose(found, expected.reshape(9, -1), rtol=1e-5, atol=1e-6)


def test_no_images_have_no_features() -> None:
    assert hg.features(NET, X[:0]).shape == (0, 7)


def test_a_single_dense_takes_the_pixels() -> None:
    net = hg.Network((hg.Dense(),), (5,), 3)
    A = np.ones((2, 5), np.float32)
    np.testing.assert_array_equal(hg.features(net, A), A)


@pytest.mark.parametrize("layer", [8, -9, "12", "Dense", "4 ReLU"])
def test_an_unknown_layer_is_named(layer: Any) -> None:
    with pytest.raises(hg.ModelError, match="there is no layer"):
        hg.features(NET, X, layer)


def test_errors_of_the_arguments() -> None:
    with pytest.raises(hg.ConfigError, match="batch_size"):
        hg.features(NET, X, batch_size=0)
    with pytest.raises(hg.DataError, match="the network takes images"):
        hg.features(NET, X[:, :, :5])
    with pytest.raises(hg.ModelError, match="no Dense layer"):
        hg.features(hg.Network((hg.Conv2d(4, 3), hg.GlobalAvgPool2d()), (1, 6, 6), 4), X)


def test_features_are_saved_with_files_and_labels(tmp_path: Path) -> None:
    found = hg.features(NET, X)
    save_features(
        tmp_path / "out.npz", found, [f"{n}.png" for n in range(9)], [3] * 8 + [None], "a" * 9
    )
    with np.load(tmp_path / "out.npz") as file:
        np.testing.assert_array_equal(file["features"], found)
        assert file["files"].tolist()[8] == "8.png"
        assert file["labels"].tolist() == ["3"] * 8 + [""]
        assert file["predicted"].tolist() == ["a"] * 9
    with pytest.raises(hg.ConfigError, match=r"use the suffix \.npz"):
        save_features(tmp_path / "out.csv", found, [], [], [])
