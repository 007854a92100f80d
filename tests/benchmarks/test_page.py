import pytest

from benchmarks import page
from benchmarks.page_in_browser import missing

QUICK = page.SETTINGS | {"data": "digits", "model": "softmax-regression", "epochs": "40"}


def test_training_is_measured_with_and_without_a_client():
    record = page.training(rounds=1, threads=1, settings=QUICK)
    assert record.skipped == ({"visible": missing()} if missing() else {})
    for name, series in record.series.items():
        assert len(series.rounds) == 1
        if name != "without":
            share = record.times_better("images_per_second", name, "without")
            assert record.setup["cost"][name] == pytest.approx(1 - share)


def test_many_polls_leave_memory_and_handles_unchanged():
    record = page.polls(300)
    before, after = (series.rounds[0] for series in record.series.values())
    assert after["handles"] == before["handles"]
    assert after["megabytes"] < before["megabytes"] + 2
