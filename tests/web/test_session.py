"""The session of a server: what waits for what, and metadata that nobody can rely on."""

import threading

import pytest

from handgrad.errors import HandgradError
from handgrad.web.background import Computation
from handgrad.web.handwriting import MIN_DRAWINGS, learn
from handgrad.web.routes import inside
from handgrad.web.routes import session as common
from handgrad.web.session import Session
from tests.web.asking import Asker, finished_run


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finished_run(tmp_path / "runs/a", data="digits", model="softmax-regression", epochs=1)
    return Session(tmp_path / "runs/a")


def in_another_thread(function):
    """Return what a function returns in another thread; fail if it waits for a lock."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it waits for a lock"
    return found[0]


def test_names_and_images_are_answered_while_the_engine_is_busy(session):
    asker = Asker(common.routes(session))
    with session.compute:
        assert in_another_thread(lambda: asker.get("/api/session"))[1]["data"] == "digits"
        assert in_another_thread(lambda: asker.get("/api/images", count=2))[0] == 200


def test_names_are_answered_while_images_are_loaded(session, monkeypatch):
    load = session._load_data
    names = []

    def slow():
        names.append(in_another_thread(session.describe))
        return load()

    monkeypatch.setattr(session, "_load_data", slow)
    assert len(session.data[1]) == 359
    assert names == [{"version": 1, "model": "a", "data": "digits"}]


def test_drawings_are_learned_while_the_engine_can_be_used_and_learning_can_be_stopped(session):
    drawings = session.data[0].take(range(MIN_DRAWINGS))
    asker = Asker(inside.routes(session))
    seen = []

    def work(computation):
        def report(done, total):
            if not seen:
                seen.append(in_another_thread(lambda: asker.post("/api/inside/lab", {})))
            computation.stop()
            computation.report(done, total)

        return learn(session, drawings.images, drawings.labels, report)

    computation = Computation(work)
    computation._thread.join(60)
    assert seen[0][0] == 200
    assert computation.error == "the computation was stopped"
    assert [path.name for path in session.runs.iterdir()] == ["a"]


@pytest.mark.parametrize("data", [None, [], "digits", {"name": 3}, {}])
def test_a_model_file_with_other_metadata_has_a_name_but_no_data(session, data):
    session.about["data"] = data
    assert session.describe() == {"version": 1, "model": "a", "data": None}
    with pytest.raises(HandgradError, match="does not say which images"):
        _ = session.data


@pytest.mark.parametrize("config", [None, [], {"epochs": -1}, {"strange": 1}])
def test_settings_in_a_model_file_that_are_not_valid_are_one_sentence(session, config):
    session.about["config"] = config
    with pytest.raises(HandgradError, match=r"model\.safetensors: "):
        _ = session.data
