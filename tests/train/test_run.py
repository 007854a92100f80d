from __future__ import annotations

from typing import Any

import pytest

import handgrad as hg
from handgrad.train.run import TrainingRun
from tests.train.blobs import blobs, small_net
from tests.train.interrupted import signalled


def test_ctrl_c_waits_for_the_step_without_checkpoints_too(monkeypatch: pytest.MonkeyPatch) -> None:
    note, made = TrainingRun.record, [0]

    def spy(self: TrainingRun, came: Any) -> None:
        note(self, came)
        made.append(self.engine.steps)

    monkeypatch.setattr(TrainingRun, "record", spy)
    data = blobs()
    with pytest.MonkeyPatch.context() as patch:
        signalled(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            hg.fit(small_net(data), data, batch_size=8, engine="reference")
    assert made == [0, 1, 2, 3, 4, 5, 6]


def test_progress_is_reported_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handgrad.train.run.SLICE_SECONDS", 0.0)
    data, seen = blobs(), list[float]()
    hg.fit(small_net(data), data, validation=None, epochs=2, batch_size=10, on_progress=seen.append)
    steps = -(-len(data) // 10)
    assert seen == pytest.approx([(k + 1) / steps for k in range(2 * steps)])
