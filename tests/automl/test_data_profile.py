import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.automl.data_profile import (
    batch_settings,
    profile_data,
    profile_images,
    validation_share,
)
from handgrad.automl.speed import DataSplits
from handgrad.runs.settings import configure


@pytest.mark.parametrize(
    ("images", "share"), [(10, 0.2), (1600, 0.2), (8000, 0.125), (20_000, 0.05), (60_000, 0.05)]
)
def test_validation_share_gives_about_a_thousand_images_within_limits(images, share):
    assert validation_share(images) == share


def test_batch_size_grows_with_the_images_and_rare_classes_get_weights():
    def settings(*counts):
        labels = np.repeat(range(len(counts)), counts)
        data = hg.Dataset.from_arrays(np.zeros((len(labels), 2, 2), np.uint8), labels)
        return batch_settings(DataSplits(data, data, data, data))

    assert settings(4, 3) == {"batch_size": 7, "class_weights": "none"}
    assert settings(300, 100) == {"batch_size": 16, "class_weights": "none"}
    assert settings(301, 100) == {"batch_size": 16, "class_weights": "balanced"}
    assert settings(1000, 1000)["batch_size"] == 32
    assert settings(5000, 5000)["batch_size"] == 64
    assert settings(30_000, 30_000)["batch_size"] == 128


def folder(place, *splits):
    """Write eight images of a dark square on a white background for each split."""
    for split in splits or ("",):
        for n in range(8):
            X = np.full((10, 10), 250, np.uint8)
            X[3:7, 3:7] = 20 * n
            path = place / split / "ab"[n % 2] / f"{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(X).save(path)
    config = configure({"data": str(place)}, {})
    return config, config.load_data(False)[0]


def test_a_folder_is_inspected_if_there_is_time(tmp_path):
    profile = profile_data(*folder(tmp_path), seconds=60)
    assert profile.can_preprocess
    assert profile.has_test is False
    assert not profile.dark_background
    assert profile.background == pytest.approx(1 - 16 / 100)
    assert "few images" in [finding.kind for finding in profile.issues]
    assert profile_data(*folder(tmp_path), seconds=0.1).issues is None
    assert profile_data(*folder(tmp_path / "b", "test", "train"), seconds=60).has_test is True


def test_arrays_can_be_preprocessed_if_their_range_is_known_and_there_is_time(tmp_path):
    train, _ = hg.load_data("digits")
    profile = profile_data(configure({}, {}), train, seconds=60)
    assert (profile.can_preprocess, profile.has_test, profile.issues) == (False, True, None)
    np.savez(tmp_path / "a.npz", x_train=train.images, y_train=train.labels)
    config = configure({"data": str(tmp_path / "a.npz")}, {})
    own = config.load_data(False)[0]
    profile = profile_data(config, own, seconds=60)
    assert (profile.can_preprocess, profile.has_test, profile.issues) == (True, None, None)
    assert not profile_data(config, own, seconds=0.001).can_preprocess
    assert not profile_data(config, own, seconds=60, reading=10).can_preprocess
    standardized = hg.Dataset.from_arrays(train.images / 80.0 - 1.3, train.labels)
    assert not profile_images(standardized, None, seconds=60).can_preprocess
