from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.models import MODELS
from handgrad.preprocess import Preprocessing, drawing
from tests.classifier.forging import forged


def digits_classifier() -> tuple[hg.Classifier, hg.Dataset]:
    train, _ = hg.load_data("digits")
    return hg.Classifier(hg.Network(hg.models.softmax_regression(), train.shape, 10)), train


def test_images_given_come_first_and_noise_last(tmp_path: Path) -> None:
    model, train = digits_classifier()
    model.save(tmp_path / "m.safetensors", golden=train.images)
    golden = read_bundle(tmp_path / "m.safetensors").golden
    assert golden.raw is None
    assert golden.images.shape == (6, 1, 8, 8)
    assert golden.images.dtype == np.uint8
    assert np.array_equal(golden.images[:4], train.images[:4])
    assert len(np.unique(golden.images[4:])) > 80
    assert np.array_equal(golden.logits, model.logits(golden.images))
    assert golden.component_hashes == model.component_hashes()


def test_float_images_keep_their_range() -> None:
    model, _ = digits_classifier()
    X = np.full((2, 1, 8, 8), -3.0)
    X[0, 0, 0, 0] = 7
    golden = model.golden_outputs(X)
    assert golden.images.dtype == np.float32
    assert golden.images.shape == (4, 1, 8, 8)
    assert -3 <= golden.images.min() < -2
    assert 6 < golden.images[2:].max() <= 7


def test_without_images_reproducible_noise_is_used() -> None:
    model, _ = digits_classifier()
    one, other = model.golden_outputs(), model.golden_outputs()
    assert one.images.shape == (6, 1, 8, 8)
    assert np.array_equal(one.images, other.images)


@pytest.mark.parametrize("side", [8, 28, 70])
def test_each_step_of_a_preprocessing_changes_a_golden_image(side: int, tmp_path: Path) -> None:
    net = hg.Network(hg.models.softmax_regression(), (1, side, side), 10)
    model = hg.Classifier(net, preprocessing=drawing(side))
    images = np.zeros((4, 1, side, side), np.uint8)
    here = images[:, :, side // 4 : -side // 4, side // 3 : side // 2]
    here[:] = np.random.default_rng(0).integers(60, 190, here.shape)
    model.save(tmp_path / "m.safetensors", golden=images)
    back = read_bundle(tmp_path / "m.safetensors")
    assert back.classifier.preprocessing == model.preprocessing
    golden = back.golden
    assert golden.raw is not None
    assert np.array_equal([model.preprocessing.apply(x) for x in golden.raw], golden.images[:4])

    unseen = []
    for step in model.preprocessing.steps:
        kept = [s for s in model.preprocessing.steps if s != step]
        try:
            without = Preprocessing(model.shape, tuple(kept))
        except (hg.ModelError, ValueError, IndexError):
            continue  # without this step, the result no longer has the network's shape
        prepared = [without.apply(x) for x in golden.raw]
        if np.array_equal(prepared, golden.images[:4]):
            unseen.append(type(step).__name__)
    # These act on some images only, of a certain size; the seal knows of all.
    in_small_images = {"RemoveLines"} if side == 70 else set()
    assert set(unseen) <= {"Denoise", "Downscale", "Binarize", "StretchContrast"} | in_small_images


@pytest.mark.parametrize("name", MODELS)
def test_golden_outputs_are_stored_for_all_built_in_networks(name: str, tmp_path: Path) -> None:
    hg.Classifier(hg.Network(MODELS[name](), (1, 28, 28), 10)).save(tmp_path / "m.safetensors")
    assert np.isfinite(read_bundle(tmp_path / "m.safetensors").golden.logits).all()


def test_golden_images_must_be_the_networks(tmp_path: Path) -> None:
    model, _ = digits_classifier()
    with pytest.raises(hg.DataError, match="the network takes images"):
        model.save(tmp_path / "m.safetensors", golden=np.zeros((2, 1, 9, 9)))
    path = tmp_path / "m.safetensors"
    model.save(path)
    for arrays, sentence in [
        ({"golden.images": np.zeros((6, 1, 9, 9), np.uint8)}, "the network takes images"),
        (
            {"golden.logits": np.zeros((6, 9), np.float32)},
            "must be finite, with exactly one number per class",
        ),
        (
            {"golden.logits": np.full((6, 10), np.inf)},
            "must be finite, with exactly one number per class",
        ),
        ({"golden.raw": np.zeros((6, 9, 9, 4), np.uint8)}, "do not match its preprocessing"),
    ]:
        with pytest.raises(hg.ModelError, match=sentence):
            hg.load_model(forged(path, arrays=arrays))
        model.save(path)
    with pytest.raises(hg.ModelError, match=r"golden\.logits' is missing"):
        hg.load_model(forged(path, drop="golden.logits"))
