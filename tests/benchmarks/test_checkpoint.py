from dataclasses import replace

import pytest

from benchmarks import checkpoint
from benchmarks.tasks import TRAINING


def test_with_and_without_take_turns(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(checkpoint, "EPOCHS", 1)
    task = replace(TRAINING["softmax-regression"], data="digits")
    record = checkpoint.measure(task, rounds=2, threads=1)
    assert (record.skipped, record.yardstick) == ({}, "without")
    assert [len(series.rounds) for series in record.series.values()] == [2, 2]
    share = record.times_better("images_per_second", "with", "without")
    assert record.subject["cost"] == pytest.approx(1 - share)


def test_only_one_of_the_two_is_kept(monkeypatch):
    monkeypatch.setattr(checkpoint, "EPOCHS", 1)
    seen = []
    monkeypatch.setattr(checkpoint.hg, "fit", lambda *_, checkpoint, **__: seen.append(checkpoint))
    work = checkpoint.Work(replace(TRAINING["softmax-regression"], data="digits"))
    for kept in ("", "kept"):
        checkpoint.Training(work, kept).train()
    assert seen[0] is None
    assert seen[1] is not None
