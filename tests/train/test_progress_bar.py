from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

import handgrad as hg
from tests.train.blobs import blobs, small_net


def test_verbose_shows_a_bar_with_the_losses_of_the_last_epoch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, seen = blobs(), list[float]()
    history = hg.fit(small_net(data), data, epochs=3, verbose=True, on_progress=seen.append)
    output = capsys.readouterr()
    assert output.out == ""
    last = output.err.split("\r")[-1]
    assert "epochs: 3.0/3" in last
    assert f"loss={history[-1].loss:.4f}" in last
    assert f"val_accuracy={history[-1].validation_accuracy:.2%}" in last
    assert seen[-1] == 3


def test_by_default_training_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    data = blobs()
    hg.fit(small_net(data), data, epochs=1)
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "")


def test_a_config_is_accepted_unchanged_and_keywords_override_it() -> None:
    data = blobs()
    config = hg.TrainConfig(epochs=2, optimizer=hg.SGD(0.1), patience=None)
    assert len(hg.fit(small_net(data), data, config)) == 2
    assert len(hg.fit(small_net(data), data, config, epochs=1)) == 1
    assert [e.number for e in hg.epochs(small_net(data), data, config)] == [1, 2]
    with pytest.raises(hg.ConfigError, match=r"must be a TrainConfig, not 0.2; give validation"):
        hg.fit(small_net(data), data, config=0.2)  # type: ignore[arg-type]


def test_in_a_notebook_the_bar_is_one_line_that_is_replaced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = list[str]()

    def display(_: dict[str, str], **options: bool) -> SimpleNamespace:
        assert options == {"raw": True, "display_id": True}
        return SimpleNamespace(update=lambda data, **_: shown.append(data["text/plain"]))

    shell = SimpleNamespace(config={"IPKernelApp": {}})
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    history = hg.fit(small_net(blobs()), blobs(), epochs=3, verbose=True)
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "")
    assert shown[-1].startswith("epochs: 3.0/3 |█")
    assert f"loss={history[-1].loss:.4f}" in shown[-1]
    assert not any("\n" in line or "\r" in line for line in shown)
