from dataclasses import replace

import numpy as np
import pytest

from benchmarks import scale
from benchmarks.tasks import TRAINING, Workload

DIGITS = replace(TRAINING["softmax-regression"], data="digits")


def test_sizes_and_a_file_are_compared_with_the_baseline(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(scale, "BASELINE", "600")
    record = scale.measure(DIGITS, 2e-4, rounds=1, threads=1, sizes=(300, 600), images=600)
    assert record.skipped == {}
    assert record.baseline == "600"
    assert [series.title for series in record.series.values()] == [
        "300 images",
        "600 images",
        "3,125 images in a mapped file",
    ]
    for series in record.series.values():
        figures = series.rounds[0]
        assert figures["nanoseconds"] == pytest.approx(1e9 / figures["images_per_second"])


def test_a_round_has_the_same_number_of_images_for_every_size():
    work = Workload(DIGITS)
    assert scale.InMemory(work, "600", "3000").train()[0] == 3_000
    assert scale.InMemory(work, "3000", "3000").train()[0] == 3_000


def test_the_file_repeats_the_data_set_and_is_removed():
    images = Workload(DIGITS).images
    with scale.file_of_images(DIGITS, 2e-4) as (path, count):
        stored = np.load(path, mmap_mode="r")
        assert len(stored) == count == 3_125
        assert (stored[len(images) : 2 * len(images)] == images).all()
        assert (stored[-1] == images[(count - 1) % len(images)]).all()
        scale.drop_page_cache(path)
        assert (stored[0] == images[0]).all()
    assert not path.exists()
