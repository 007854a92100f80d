from dataclasses import dataclass
from pathlib import Path

import pytest

from handgrad.errors import MissingExtraError
from handgrad.reproduce.experiment import RunContext, RunResult
from handgrad.reproduce.runner import digests, pending, run
from handgrad.reproduce.store import Job, ResultStore, jobs
from tests.reproduce.samples import Listener, digits, notebook


@dataclass(frozen=True)
class InTorch:
    def run(self, context: RunContext) -> RunResult:
        raise MissingExtraError("PyTorch is not installed; pip install 'handgrad[torch]'")


def test_each_result_is_stored_at_once_and_the_rest_is_pending(tmp_path: Path) -> None:
    data = {"digits": digits()}
    store = ResultStore(tmp_path, digests(data), "reference")
    work = jobs([notebook()], seeds=2)
    with pytest.raises(KeyboardInterrupt):
        run(pending(work, store), store, data, Listener(stop_after=2))
    assert pending(work, store) == work[2:]

    listener = Listener()
    run(pending(work, store), store, data, listener)
    finished = [description for description, _, _ in listener.finished]
    assert finished == [job.description for job in work[2:]]
    assert listener.shares[-1] == 1.0
    assert pending(work, store) == []
    assert not list(tmp_path.rglob("*.unfinished"))


def test_a_job_that_needs_a_missing_package_is_skipped_with_the_reason(tmp_path: Path) -> None:
    data = {"digits": digits()}
    store, listener = ResultStore(tmp_path, digests(data)), Listener()
    run([Job("small", "digits", "pytorch", InTorch(), 0)], store, data, listener)
    reason = "PyTorch is not installed; pip install 'handgrad[torch]'"
    assert listener.finished == [("pytorch", False, reason)]
