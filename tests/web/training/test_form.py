"""The form of a new run, and the endpoints of the view Train."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from handgrad.errors import ConfigError
from handgrad.runs.config import RunConfig
from handgrad.runs.settings import on_resume
from handgrad.web.guard import TOKEN_HEADER
from handgrad.web.server import LocalServer, make_app
from handgrad.web.session import Session
from handgrad.web.training.form import HIDDEN, config_of, form, suggested


@contextmanager
def serving(session: Session) -> Iterator[Callable[..., tuple[int, Any]]]:
    """Yield a function that sends a GET, or a POST with data, and returns status and answer."""
    server = LocalServer(make_app(session))
    server.start()
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {TOKEN_HEADER: server.token, "content-type": "application/json"}

    def request(path: str, data: dict | None = None) -> tuple[int, Any]:
        body = None if data is None else json.dumps(data)
        connection.request("GET" if data is None else "POST", f"/api/{path}", body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    try:
        yield request
    finally:
        connection.close()
        session.close()
        server.stop()


def test_every_setting_is_offered_with_its_help_default_and_rule():
    found = {field["name"]: field for field in form(Session(data="digits"))}
    assert set(found) == set(RunConfig.model_fields) - set(HIDDEN)
    for name, field in found.items():
        assert field["help"].startswith(RunConfig.model_fields[name].description)
        assert field["changes"] == (on_resume(name) != "fixed")
        assert field["label"]
    assert found["lr"]["default"] is None  # it depends on the optimizer
    assert (found["batch_size"]["default"], found["model"]["default"]) == ("64", "smallnet")
    assert found["optimizer"]["choices"] == ["sgd", "momentum", "nesterov", "adam", "adamw"]
    assert found["figures"]["choices"] == ["true", "false"]


def test_defaults_and_choices_are_valid_settings():
    session = Session(data="digits")
    for field in form(session):
        own = {"engine": "torch"} if field["name"] in ("device", "amp", "compile") else {}
        if field["panel"] == "Your own images":
            continue
        for value in [*field["choices"], *filter(None, [field["default"]])]:
            config_of(own | {field["name"]: value}, session)


def test_the_data_of_the_session_come_first_and_no_path_is_accepted(tmp_path: Path):
    session = Session(data=str(tmp_path / "my-images"))
    choices = form(session)[0]["choices"]
    assert choices[0] == "my-images (opened)"
    assert config_of({}, session)["data"] == str(tmp_path / "my-images")
    for settings, words in [
        ({"data": str(tmp_path)}, "choose one of the listed data sets"),
        ({"data": "/etc"}, "choose one of the listed data sets"),
        ({"out": "somewhere"}, "there is no setting 'out'"),
        ({"from_run": "/etc"}, "there is no setting 'from_run'"),
        ({"data_dir": "/etc"}, "there is no setting 'data_dir'"),
        ({"lrr": "1"}, "did you mean lr?"),
        ({"lr": "0"}, "lr must be above 0"),
        ({"momentum": "0.9"}, "the optimizer adamw has no momentum"),
    ]:
        with pytest.raises(ConfigError, match=words.replace("?", r"\?")):
            config_of(settings, session)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("digits", {"augment": "drawings"}),
        ("mnist", {"augment": "drawings"}),
        ("fashion-mnist", {}),
        ("/no/such/folder", {}),
    ],
)
def test_a_first_network_for_digits_is_suggested_to_learn_from_drawings(data, found, tmp_path):
    assert suggested(Session(data=data)) == found
    assert suggested(Session(tmp_path / "model.safetensors", data=data)) == {}


@pytest.mark.parametrize(
    ("path", "data", "words"),
    [
        ("train/start", {"settings": {"out": "x"}}, "there is no setting 'out'"),
        ("train/start", {"settings": {"lr": "nan"}}, "lr must be a finite number"),
        ("train/start", {"folder": "/etc"}, "folder: Extra inputs are not permitted"),
        ("train/resume", {"name": "../other"}, "choose one of the listed interrupted runs"),
        ("train/command", {"do": "pause"}, "must be in progress"),
        ("train/command", {"do": "change"}, "give settings with the command change"),
        ("train/command", {"do": "change", "settings": {"data": "/etc"}}, "data cannot change"),
        ("train/command", {"do": "change", "settings": {"out": "x"}}, "there is no setting 'out'"),
        ("train/command", {"do": "shutdown"}, "do: Input should be"),
        ("train/open", {}, "no run is finished"),
        ("break/start", {"mistake": "none"}, "choose one of the listed mistakes"),
        ("break/start", {"mistake": "relu-mask", "optimizer": "x"}, "mistakes and optimizers"),
    ],
)
def test_a_wrong_request_is_refused_with_one_sentence(path, data, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serving(Session(data="digits")) as request:
        status, answer = request(path, data)
    assert status == 400
    assert words in answer["error"]
    assert not list(tmp_path.iterdir())


def test_a_second_training_is_refused_and_close_ends_the_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = Session(data="digits")
    with serving(session) as request:
        assert request("train/state") == (200, {"job": 0, "number": 0, "running": False})
        assert request("train/start", {"paused": True}) == (200, {"job": 1})
        assert request("train/start", {}) == (
            400,
            {"error": "a training run is in progress; stop it before you start another"},
        )
        assert request("train/state")[1]["running"]
        session.close()
        assert not request("train/state")[1]["running"]
