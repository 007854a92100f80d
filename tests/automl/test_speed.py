import numpy as np
import pytest

import handgrad as hg
from handgrad.automl.speed import (
    PROBE_IMAGES,
    DataSplits,
    Speed,
    measure_speed,
    plan_epochs,
    subset,
)
from handgrad.runs.settings import configure


@pytest.mark.parametrize(
    ("seconds", "images", "plan"),
    [
        (60, 1000, (30, 1000)),  # 2 seconds an epoch
        (6000, 1000, (50, 1000)),  # never more than 50
        (6, 1000, (3, 1000)),
        (3, 1000, (3, 250)),  # a second for an epoch, half of it for judging
        (0.1, 1000, (3, 1)),
    ],
)
def test_plan_epochs_fits_into_the_time(seconds, images, plan):
    speed = Speed(per_image=0.002, validation=0.5) if seconds == 3 else Speed(0.0015, 0.5)
    assert plan_epochs(speed, seconds, images, max_epochs=50) == plan


def test_a_subset_has_images_of_each_class():
    labels = np.repeat([0, 1, 2], [80, 20, 1])
    data = hg.Dataset.from_arrays(np.zeros((101, 2, 2), np.uint8), labels)
    some = subset(data, 50, 0)
    assert len(some) == pytest.approx(50, abs=1)
    assert some.counts.tolist() == pytest.approx([40, 10, 1], abs=1)
    assert subset(data, 1, 0).counts.tolist() == [1, 1, 1]
    assert subset(data, 101, 0) is data


def test_speed_is_measured_on_few_images(monkeypatch):
    train, test = hg.load_data("digits")
    learned = []
    monkeypatch.setattr(
        "handgrad.automl.speed.subset",
        lambda data, n, _: learned.append(n) or data.take(range(n)),
    )
    parts = DataSplits(train, train, train.take(range(100)), test)
    speed = measure_speed(configure({"model": "two-layer"}, {}), parts)
    assert learned == [PROBE_IMAGES]
    assert 0 < speed.per_image < 1e-3
    assert 0 <= speed.validation < 0.1
    assert speed.epoch(1000) == 1000 * speed.per_image + speed.validation
