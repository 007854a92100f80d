from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

import handgrad as hg
from handgrad import tracking as room
from handgrad.tracking import lines, numbers, tracking

RECORDS = [
    hg.Epoch(1, 2.0, 0.3, 2.1, 0.25, 0.01, 0.5, 1000.0, True),
    hg.Epoch(2, 1.0, 0.6, None, None, 0.02, 0.5, 1000.0, True),
]


def test_each_epoch_is_a_line_as_soon_as_it_is_over(tmp_path: Path) -> None:
    with tracking(tmp_path, {}) as track:
        for count, record in enumerate(RECORDS, 1):
            track(record)
            read = (tmp_path / "history.jsonl").read_text().splitlines()
            assert [hg.Epoch(**json.loads(line)) for line in read] == RECORDS[:count]
    assert [path.name for path in tmp_path.iterdir()] == ["history.jsonl"]


def test_a_run_that_goes_on_writes_over_what_it_does_again(tmp_path: Path) -> None:
    track = lines(tmp_path / "history.jsonl")
    for record in (*RECORDS, RECORDS[1]._replace(loss=0.5)):
        track(record)
    read = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in read] == [2.0, 0.5]


def test_a_run_of_the_command_line_is_tracked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboardX")
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


def test_numbers_leave_out_what_there_is_not() -> None:
    assert numbers(RECORDS[0])["loss/validation"] == 2.1
    assert "loss/validation" not in numbers(RECORDS[1])


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    with tracking(tmp_path, {}, tensorboard=True) as track:
        for record in RECORDS:
            track(record)
    (file,) = tmp_path.glob("events.out.tfevents.*")
    content, found = file.read_bytes(), {}
    while content:  # length (8 bytes), its checksum (4), the event, its checksum (4)
        (length,) = struct.unpack("<Q", content[:8])
        event = Event.FromString(content[12 : 12 + length])
        found |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
        content = content[16 + length :]
    wanted = {(name, r.number): value for r in RECORDS for name, value in numbers(r).items()}
    assert found == pytest.approx(wanted)


@pytest.mark.filterwarnings("ignore")  # MLflow's own, of SQLAlchemy
def test_mlflow_gets_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="MLflow is not installed: handgrad[mlflow]")
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
    for name in numbers(RECORDS[0]):
        history = client.get_metric_history(one.info.run_id, name)
        wanted = {r.number: numbers(r)[name] for r in RECORDS if name in numbers(r)}
        assert {entry.step: entry.value for entry in history} == wanted


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_who_is_missing_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _: None)
    cure = rf'is not installed; install it with pip install "handgrad\[{name}\]"'
    with (
        pytest.raises(hg.MissingExtraError, match=cure),
        tracking(tmp_path, {}, **{name: True}),
    ):
        pass
