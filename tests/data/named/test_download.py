import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock

from handgrad.data.named.download import download
from handgrad.data.named.transfer import Limits
from handgrad.errors import DataError, StorageError
from tests.data.family import CONTENT, ZIPPED, source
from tests.data.loopback import (
    content,
    dripping,
    dripping_head,
    endless,
    endless_redirect,
    serving,
    silent,
    stalled,
    status,
)

HTTP = Limits(scheme="http")
IMPATIENT = Limits(scheme="http", stall=0.7)
FIRST = "train-images-idx3-ubyte.gz"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with serving() as server:
        server.answers = {f"{name}.gz": content(data) for name, data in ZIPPED.items()}
        yield server


def names(folder):
    return sorted(p.name for p in folder.iterdir() if p.name != ".lock")


def assert_complete(folder):
    assert names(folder) == sorted(f"{name}.gz" for name in ZIPPED)
    for name, data in ZIPPED.items():
        assert (folder / f"{name}.gz").read_bytes() == data


@pytest.mark.parametrize("of", ["content", "gzip"])
def test_every_file_is_downloaded_once(server, tmp_path, of):
    folder = tmp_path / "deep" / "tiny"
    download(source(server.url, of=of), folder, limits=HTTP)
    assert_complete(folder)
    assert server.asked == [f"{name}.gz" for name in ZIPPED]
    download(source(server.url, of=of), folder, limits=HTTP)
    assert len(server.asked) == 4


def test_only_missing_and_wrong_files_are_downloaded(server, tmp_path):
    for name, data in ZIPPED.items():
        (tmp_path / f"{name}.gz").write_bytes(data)
    (tmp_path / FIRST).write_bytes(ZIPPED["t10k-images-idx3-ubyte"])
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(CONTENT["t10k-labels-idx1-ubyte"])
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    download(source(server.url), tmp_path, limits=HTTP)
    assert server.asked == [FIRST, "t10k-images-idx3-ubyte.gz"]
    assert (tmp_path / FIRST).read_bytes() == ZIPPED["train-images-idx3-ubyte"]


WHOLE = ZIPPED["train-images-idx3-ubyte"]
BAD = {
    "absent": (status(404), "HTTP 404"),
    "failing": (status(500), "HTTP 500"),
    "another file": (content(WHOLE[::-1]), "the file differs from the published one: wrong"),
    "a page": (content(b"<html>"), "the file differs from the published one: wrong"),
    "nothing": (content(b""), "the file differs from the published one: wrong"),
    "half of it": (content(WHOLE[:100]), "the file differs from the published one: broken"),
    "broken off": (content(WHOLE[:100], promised=200), "the connection was interrupted"),
    "endless": (endless, "the file is larger than expected"),
    "stalled": (stalled, "no response in time"),
    "silent": (silent, "no response in time"),
    "byte by byte": (dripping, "no response in time"),
    "byte by byte from the start": (dripping_head, "no response in time"),
    "in circles": (status(302, Location=f"/{FIRST}"), "too many redirects"),
    "leading away": (
        status(302, Location="ftp://127.0.0.1/x"),
        "ftp://127.0.0.1/x is not an http URL",
    ),
}


def limits_for(fault):
    return IMPATIENT if BAD[fault][1] == "no response in time" else HTTP


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_mirror_is_named_and_leaves_no_file(server, tmp_path, fault):
    answer, reason = BAD[fault]
    server.answers[FIRST] = answer
    host = server.url.split("/")[2]
    sentence = (
        rf"tiny could not be downloaded \({FIRST} from {host}: {reason}\); check the network and "
        "try again, or set HANDGRAD_DATA to a folder that contains the files in tiny/"
    )
    with pytest.raises(DataError, match=sentence):
        download(source(server.url), tmp_path, limits=limits_for(fault))
    assert names(tmp_path) == []


@pytest.mark.parametrize("fault", BAD)
def test_after_a_bad_mirror_the_next_is_tried(server, tmp_path, fault):
    with serving() as bad:
        bad.answers[FIRST] = BAD[fault][0]
        download(source(bad.url, server.url), tmp_path, limits=limits_for(fault))
    assert_complete(tmp_path)


def test_without_a_network_every_mirror_is_named(tmp_path):
    with serving() as gone:
        pass
    host = gone.url.split("/")[2]
    with pytest.raises(DataError, match=f"from {host}: no connection, {host}: no connection"):
        download(source(gone.url, gone.url), tmp_path, limits=HTTP)


def test_a_correct_file_is_kept_if_a_later_one_fails(server, tmp_path):
    server.answers["train-labels-idx1-ubyte.gz"] = status(404)
    with pytest.raises(DataError, match=r"\(train-labels-idx1-ubyte\.gz from .* HTTP 404\)"):
        download(source(server.url), tmp_path, limits=HTTP)
    assert names(tmp_path) == [FIRST]


def test_http_is_rejected(server, tmp_path):
    with pytest.raises(DataError, match=f"{server.url}{FIRST} is not an https URL"):
        download(source(server.url), tmp_path)
    assert server.asked == []


def test_a_server_without_tls_is_rejected(server, tmp_path):
    mirror = server.url.replace("http:", "https:")
    with pytest.raises(DataError, match=f"{FIRST} from 127.*: no secure connection"):
        download(source(mirror), tmp_path)


def test_a_redirect_is_followed(server, tmp_path):
    server.answers["moved"] = server.answers[FIRST]
    server.answers[FIRST] = status(302, Location="/moved")
    download(source(server.url), tmp_path, limits=HTTP)
    assert_complete(tmp_path)


def test_the_body_of_a_redirect_is_not_read(server, tmp_path):
    server.answers["moved"] = server.answers[FIRST]
    server.answers[FIRST] = endless_redirect("/moved")
    download(source(server.url), tmp_path, limits=HTTP)
    assert_complete(tmp_path)


def test_an_invalid_content_length_is_ignored(server, tmp_path):
    server.answers[FIRST] = content(WHOLE, promised="many")
    download(source(server.url), tmp_path, limits=HTTP)
    assert_complete(tmp_path)


def test_a_file_stays_gzipped_despite_a_content_encoding(server, tmp_path):
    for name, data in ZIPPED.items():
        server.answers[f"{name}.gz"] = content(data, Content_Encoding="gzip")
    download(source(server.url), tmp_path, limits=HTTP)
    assert_complete(tmp_path)


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False), (None, False)])
def test_the_progress_bar_is_on_stderr_and_can_be_disabled(
    server, tmp_path, capsys, progress, shown
):
    download(source(server.url), tmp_path, progress=progress, limits=HTTP)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("train-images-idx3-ubyte.gz: 100%" in err) == shown
    assert (err != "") == shown


def test_concurrent_threads_download_once(server, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(download, source(server.url), tmp_path, limits=HTTP) for _ in range(8)]
        for job in jobs:
            job.result(timeout=20)
    assert_complete(tmp_path)
    assert len(server.asked) == 4


def downloading(*mirrors, folder):
    """Start a new process that downloads the data set, as a user would."""
    program = (
        "import sys, pathlib\n"
        "from handgrad.data.named.download import download\n"
        "from handgrad.data.named.transfer import Limits\n"
        "from tests.data.family import source\n"
        "download(source(*sys.argv[2:]), pathlib.Path(sys.argv[1]), limits=Limits('http'))"
    )
    command = [sys.executable, "-c", program, str(folder), *mirrors]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_eight_processes_and_a_bad_mirror_give_complete_files(server, tmp_path):
    with serving() as bad:
        half = [content(data[: len(data) // 2], promised=len(data)) for data in ZIPPED.values()]
        wrong = [content(data[::-1]) for data in ZIPPED.values()]
        answers = [half[0], wrong[1], endless, status(500)]
        bad.answers = {f"{name}.gz": a for name, a in zip(ZIPPED, answers, strict=True)}
        processes = [downloading(bad.url, server.url, folder=tmp_path) for _ in range(8)]
        seen = set()
        while any(process.poll() is None for process in processes):
            time.sleep(0.01)
            for path in tmp_path.glob("*.gz"):
                if path.name not in seen:
                    assert path.read_bytes() == ZIPPED[path.stem]
                    seen.add(path.name)
        said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, said
    assert_complete(tmp_path)
    assert len(server.asked) == len(bad.asked) == 4


@pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way")
def test_a_download_restarts_after_a_killed_one(server, tmp_path):
    begun = threading.Event()

    def slow(handler):
        begun.set()
        stalled(handler)

    whole, server.answers[FIRST] = server.answers[FIRST], slow
    killed = downloading(server.url, folder=tmp_path)
    assert begun.wait(20)
    waiting = downloading(server.url, folder=tmp_path)
    server.answers[FIRST] = whole
    killed.kill()
    killed.communicate()
    waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert_complete(tmp_path)


@pytest.mark.parametrize("progress", [None, False])
def test_waiting_is_reported_unless_quiet(server, tmp_path, capsys, monkeypatch, progress):
    monkeypatch.setattr("handgrad.data.named.download._SILENT_WAIT", 0.05)
    held = threading.Event()

    def hold():
        with FileLock(tmp_path / ".lock"):
            held.set()
            time.sleep(0.4)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    download(source(server.url), tmp_path, limits=HTTP, progress=progress)
    holder.join()
    assert_complete(tmp_path)
    sentence = f"another process is downloading to {tmp_path}; waiting for it\n"
    assert capsys.readouterr() == ("", "" if progress is False else sentence)


def test_a_partial_file_is_overwritten(server, tmp_path):
    (tmp_path / ".train-images-idx3-ubyte.part").write_bytes(b"half")
    download(source(server.url), tmp_path, limits=HTTP)
    assert_complete(tmp_path)


def test_an_interruption_leaves_no_file(server, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download(source(server.url), tmp_path, limits=HTTP)
    assert names(tmp_path) == []


def test_an_unwritable_folder_is_an_error(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "tiny"
    sentence = (
        rf"cannot write to {folder} \(Not a directory\); make it writable, or set HANDGRAD_DATA"
    )
    with pytest.raises(StorageError, match=sentence):
        download(source(server.url), folder, limits=HTTP)


def test_a_full_disk_does_not_try_the_next_mirror(server, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(
        StorageError, match=rf"cannot write to {tmp_path} \(No space left on device\)"
    ):
        download(source(server.url, server.url), tmp_path, limits=HTTP)
    assert server.asked == [FIRST]
    assert names(tmp_path) == []
