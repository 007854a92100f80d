from dataclasses import replace

import pytest

from benchmarks import checkpoint
from benchmarks.tasks import TRAINING


def test_training_is_measured_with_and_without_checkpoints(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(checkpoint, "EPOCHS", 1)
    task = replace(TRAINING["softmax-regression"], data="digits")
    record = checkpoint.measure(task, rounds=2, threads=1)
    assert (record.skipped, record.baseline) == ({}, "without")
    assert [len(series.rounds) for series in record.series.values()] == [2, 2]
    share = record.times_better("images_per_second", "with", "without")
    assert record.setup["cost"] == pytest.approx(1 - share)


def test_only_one_variant_writes_checkpoints(monkeypatch):
    monkeypatch.setattr(checkpoint, "EPOCHS", 1)
    seen = []
    monkeypatch.setattr(checkpoint.hg, "fit", lambda *_, checkpoint, **__: seen.append(checkpoint))
    work = checkpoint.Workload(replace(TRAINING["softmax-regression"], data="digits"))
    for checkpoints in ("", "yes"):
        checkpoint.Training(work, checkpoints).train()
    assert seen[0] is None
    assert seen[1] is not None
