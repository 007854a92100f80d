"""`handgrad open`: what it prints, how it ends, and which arguments it refuses."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from handgrad.errors import ConfigError
from handgrad.web.lan import lan_address
from handgrad.web.session import session_for

OPEN = [sys.executable, "-m", "handgrad", "open", "--no-browser"]


def test_it_prints_the_address_serves_the_page_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    with subprocess.Popen(
        OPEN, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#token=[\w-]{32}\n", line)
        with urlopen(line.split("#", maxsplit=1)[0]) as page:  # noqa: S310
            assert b"<title>handgrad</title>" in page.read()
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - start < 2
    assert (process.returncode, out) == (130, "")
    assert err == "Ctrl-C ends the page\nthe page is closed\n"
    assert not list(tmp_path.iterdir())


def test_a_used_port_is_refused(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        found = subprocess.run(
            [*OPEN, "--port", port],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert found.returncode == 2
    assert found.stderr.startswith(f"error: port {port} cannot be used (")
    assert found.stderr.count("\n") == 1


def test_lan_prints_a_code_the_accepted_hosts_and_a_warning(tmp_path: Path) -> None:
    try:
        address = lan_address()
    except ConfigError:
        pytest.skip("this computer is in no network")
    with subprocess.Popen(
        [*OPEN, "--lan"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        port = int(re.match(rf"http://{re.escape(address)}:(\d+)/#token=", line)[1])
        err = "".join(iter(process.stderr.readline, "Ctrl-C ends the page\n"))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert f"Accepted addresses: {address}:{port}\n" in err
    assert "warning: with the address and its token, everyone in this network" in err
    assert err.count("█") > 100  # the QR code


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("digit", "did you mean digits?"),
        ("no-such-run", "neither a run, a model file, a data set nor a folder"),
        ("", "neither a run"),
    ],
)
def test_another_target_is_refused_in_one_sentence(target, words, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=re.escape(words)):
        session_for(target)


def test_a_data_folder_without_effect_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    for target in (None, "digits", "own", str(tmp_path)):
        with pytest.raises(ConfigError, match="leave out data_dir"):
            session_for(target, tmp_path)
    assert session_for("mnist", tmp_path).data_dir == tmp_path
