import pytest

from benchmarks import page

QUICK = page.SETTINGS | {"data": "digits", "model": "softmax-regression", "epochs": "40"}


def test_training_is_measured_with_and_without_a_client():
    record = page.training(rounds=1, threads=1, settings=QUICK)
    assert record.skipped == {}
    assert [len(series.rounds) for series in record.series.values()] == [1, 1]
    share = record.times_better("images_per_second", "polled", "without")
    assert record.setup["cost"] == pytest.approx(1 - share)


def test_many_polls_leave_memory_and_handles_unchanged():
    record = page.polls(300)
    before, after = (series.rounds[0] for series in record.series.values())
    assert after["handles"] == before["handles"]
    assert after["megabytes"] < before["megabytes"] + 2
