from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

import handgrad as hg
from handgrad import tracking as room
from handgrad.tracking import lines, tracking, values
from tests.extras import needs

RECORDS = [
    hg.Epoch(1, 2.0, 0.3, 2.1, 0.25, 0.01, 0.5, 1000.0, True),
    hg.Epoch(2, 1.0, 0.6, None, None, 0.02, 0.5, 1000.0, True),
]


def test_each_epoch_is_written_as_a_line(tmp_path: Path) -> None:
    with tracking(tmp_path, {}) as track:
        for count, record in enumerate(RECORDS, 1):
            track(record)
            read = (tmp_path / "history.jsonl").read_text().splitlines()
            assert [hg.Epoch(**json.loads(line)) for line in read] == RECORDS[:count]
    assert [path.name for path in tmp_path.iterdir()] == ["history.jsonl"]


def test_resumed_run_replaces_repeated_epochs(tmp_path: Path) -> None:
    track = lines(tmp_path / "history.jsonl")
    for record in (*RECORDS, RECORDS[1]._replace(loss=0.5)):
        track(record)
    read = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in read] == [2.0, 0.5]


def test_resumed_run_has_each_epoch_once(tmp_path: Path) -> None:
    three = [*RECORDS, RECORDS[1]._replace(number=3, loss=0.5)]
    for before in ([], [*three, *three], [three[1]]):  # killed before the line; more than is known
        text = "".join(json.dumps(record._asdict()) + "\n" for record in before)
        (tmp_path / "history.jsonl").write_text(text)
        with tracking(tmp_path, {}, three[:2]) as track:
            track(three[2])
        read = (tmp_path / "history.jsonl").read_text().splitlines()
        assert [hg.Epoch(**json.loads(line)) for line in read] == three


def test_a_run_of_the_command_line_is_tracked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("tensorboardX")
    from handgrad.cli.app import app

    monkeypatch.chdir(tmp_path)
    words = "train --model softmax-regression --epochs 2 --engine reference --no-figures -q"
    with pytest.raises(SystemExit) as ended:
        app([*words.split(), "--out", "run", "--tensorboard"], prog_name="handgrad")
    assert not ended.value.code
    read = (tmp_path / "run/history.jsonl").read_text().splitlines()
    whole = json.loads((tmp_path / "run/history.json").read_text())["epochs"]
    assert [json.loads(line) for line in read] == whole
    assert len(list((tmp_path / "run").glob("events.out.tfevents.*"))) == 1


def test_values_omit_missing_ones() -> None:
    assert values(RECORDS[0])["loss/validation"] == 2.1
    assert "loss/validation" not in values(RECORDS[1])


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    needs("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    with tracking(tmp_path, {}, tensorboard=True) as track:
        for record in RECORDS:
            track(record)
    assert events(tmp_path, Event) == pytest.approx(wanted(RECORDS))


def test_tensorboard_has_each_epoch_once_in_a_resumed_run(tmp_path: Path) -> None:
    needs("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    third = RECORDS[0]._replace(number=3)
    for written in (1, 0, 2):
        with tracking(tmp_path, {}, RECORDS[:1], tensorboard=True) as track:
            for record in RECORDS[:written]:
                track(record)
    with tracking(tmp_path, {}, RECORDS, tensorboard=True) as track:
        track(third)
    assert events(tmp_path, Event) == pytest.approx(wanted([*RECORDS, third]))


def wanted(records: list[hg.Epoch]) -> dict[tuple[str, int], float]:
    return {(name, r.number): value for r in records for name, value in values(r).items()}


def events(folder: Path, kind: Any) -> dict[tuple[str, int], float]:
    """Return the contents of the only event file in a folder, checking for duplicates."""
    (file,) = folder.glob("events.out.tfevents.*")
    content, found = file.read_bytes(), {}
    while content:  # length (8 bytes), its checksum (4), the event, its checksum (4)
        (length,) = struct.unpack("<Q", content[:8])
        event = kind.FromString(content[12 : 12 + length])
        said = {(value.tag, event.step): value.simple_value for value in event.summary.value}
        assert not said.keys() & found.keys()
        found |= said
        content = content[16 + length :]
    return found


@pytest.mark.filterwarnings("ignore")  # MLflow's own, of SQLAlchemy
def test_mlflow_gets_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("mlflow")
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with tracking(tmp_path / "run-1", {"epochs": 2, "model": "smallnet"}, mlflow=True) as track:
        for record in RECORDS:
            track(record)
    with pytest.raises(KeyboardInterrupt), tracking(tmp_path / "run-2", {}, mlflow=True):
        raise KeyboardInterrupt
    client = MlflowClient("sqlite:///mlflow.db")
    experiment = client.get_experiment_by_name("handgrad").experiment_id
    two, one = client.search_runs([experiment])
    assert (one.info.run_name, one.info.status) == ("run-1", "FINISHED")
    assert (two.info.run_name, two.info.status) == ("run-2", "KILLED")
    assert one.data.params == {"epochs": "2", "model": "smallnet"}
    for name in values(RECORDS[0]):
        history = client.get_metric_history(one.info.run_id, name)
        wanted = {r.number: values(r)[name] for r in RECORDS if name in values(r)}
        assert {entry.step: entry.value for entry in history} == wanted


@pytest.mark.filterwarnings("ignore")  # MLflow's own, of SQLAlchemy
def test_mlflow_has_one_run_with_each_epoch_once_after_resuming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("mlflow")
    from mlflow.tracking import MlflowClient

    store, other = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "other"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    with pytest.raises(KeyboardInterrupt), tracking(tmp_path, {"a": 1}, mlflow=True) as track:  # noqa: PT012
        track(RECORDS[0])
        raise KeyboardInterrupt
    with tracking(tmp_path, {"a": 2}, RECORDS, mlflow=True) as track:  # the second was not told
        track(RECORDS[0])
    client = MlflowClient(store)
    (run,) = client.search_runs(["1"])
    assert (run.info.status, run.data.params) == ("FINISHED", {"a": "1"})
    history = client.get_metric_history(run.info.run_id, "loss/training")
    assert [(entry.step, entry.value) for entry in history] == [(1, 2.0), (2, 1.0)]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
    with tracking(tmp_path, {}, RECORDS, mlflow=True):  # a store that does not know it
        pass
    (run,) = MlflowClient(other).search_runs(["1"])
    assert run.data.metrics["loss/training"] == 1.0


@pytest.mark.filterwarnings("ignore")  # MLflow's own, of SQLAlchemy
@pytest.mark.parametrize(("calls", "told"), [(range(1, 2), [1, 2, 3]), (range(1, 99), [1])])
def test_run_continues_if_the_mlflow_store_fails(
    calls: range,
    told: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    needs("mlflow")
    from mlflow.tracking import MlflowClient

    done, log_batch = [], MlflowClient.log_batch

    def flaky(*args: Any, **kwargs: Any) -> Any:
        done.append(1)
        if len(done) - 1 in calls:
            raise ConnectionError("nobody is there\nany more")
        return log_batch(*args, **kwargs)

    monkeypatch.setattr(MlflowClient, "log_batch", flaky)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store := f"sqlite:///{tmp_path}/store.db")
    with tracking(tmp_path, {}, mlflow=True) as track:
        for number in (1, 2, 3):
            track(RECORDS[0]._replace(number=number))
    (run,) = MlflowClient(store).search_runs(["1"])
    history = MlflowClient(store).get_metric_history(run.info.run_id, "loss/training")
    assert [entry.step for entry in history] == told
    first, *rest = (m for m in caplog.messages if m.startswith("handgrad: the MLflow store"))
    assert first.endswith(" does not respond (nobody is there any more); retrying at the end")
    assert [m.partition("; ")[2] for m in rest] == (
        [] if told == [1, 2, 3] else ["the run's history.jsonl has them all"]
    )


@pytest.mark.filterwarnings("ignore")  # MLflow's own, of SQLAlchemy
def test_unusable_mlflow_store_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("mlflow")
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store := f"sqlite:///{tmp_path}/file/store.db")
    cure = "; start its server, set MLFLOW_TRACKING_URI to another store, or omit --mlflow"
    with pytest.raises(hg.ConfigError) as refused, tracking(tmp_path, {}, mlflow=True):
        pass
    assert str(refused.value).startswith(f"the MLflow store {store} cannot be used (")
    assert str(refused.value).endswith(cure)


def test_address_is_shown_without_its_password() -> None:
    words = "no connection to http://me:secret@127.0.0.1:9/api" + "x" * 200
    told = room._short(ConnectionError(words))
    assert told.startswith("no connection to http://127.0.0.1:9/apixxx")
    assert told.endswith("xxx ...")
    assert len(told) < 130


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_missing_package_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _: None)
    cure = rf'is not installed; install it with pip install "handgrad\[{name}\]"'
    with (
        pytest.raises(hg.MissingExtraError, match=cure),
        tracking(tmp_path, {}, **{name: True}),
    ):
        pass
