import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from handgrad.data import available, check_files, fetch, load_data
from handgrad.data.named import catalog
from handgrad.data.named.download import download
from handgrad.data.named.transfer import Limits
from handgrad.errors import ConfigError, DataError
from tests.data.family import ARRAYS, ZIPPED, source, write
from tests.data.loopback import content, serving, status


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Use an empty cache, and register `tiny`."""
    folder = tmp_path / "cache"
    for module in ("catalog", "locate"):
        monkeypatch.setattr(f"handgrad.data.named.{module}.cache_folder", lambda: folder)
    monkeypatch.delenv("HANDGRAD_DATA", raising=False)
    monkeypatch.setitem(catalog.SOURCES, "tiny", source())
    return folder


@pytest.fixture
def server(monkeypatch):
    """Run a mirror of `tiny` over http."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    limits = Limits(scheme="http")
    monkeypatch.setattr("handgrad.data.named.download.download", partial(download, limits=limits))
    with serving() as server:
        server.answers = {f"{name}.gz": content(data) for name, data in ZIPPED.items()}
        monkeypatch.setitem(catalog.SOURCES, "tiny", source(server.url))
        yield server


def assert_tiny(train, test):
    assert np.array_equal(train.images[:, 0], ARRAYS["train-images-idx3-ubyte"])
    assert np.array_equal(test.labels, ARRAYS["t10k-labels-idx1-ubyte"])


def test_digits_need_no_files():
    train, test = load_data("digits", download=False)
    assert (len(train), len(test)) == (1438, 359)
    assert fetch("digits") is None
    assert check_files("digits") == []


def test_load_from_a_folder(tmp_path):
    assert_tiny(*load_data("tiny", write(tmp_path / "given")))


def test_load_downloads_once_into_the_cache(server, cache):
    assert_tiny(*load_data("tiny", progress=False))
    assert_tiny(*load_data("tiny"))
    assert len(server.asked) == 4
    assert (cache / "tiny" / "train-images-idx3-ubyte.gz").is_file()


def test_load_without_a_download_names_the_remedy(server):
    sentence = (
        "tiny is not on this machine; download it with `handgrad data fetch tiny`, "
        "or set HANDGRAD_DATA to a folder that contains the files in tiny/"
    )
    with pytest.raises(DataError, match=sentence):
        load_data("tiny", download=False)
    assert server.asked == []


def test_load_recovers_from_a_failed_download(server):
    server.answers["t10k-labels-idx1-ubyte.gz"] = status(503)
    with pytest.raises(DataError, match=r"tiny could not be downloaded .*HTTP 503"):
        load_data("tiny")
    server.answers["t10k-labels-idx1-ubyte.gz"] = content(ZIPPED["t10k-labels-idx1-ubyte"])
    assert_tiny(*load_data("tiny"))
    assert len(server.asked) == 5


def test_fetch_repairs_the_cache(server, cache):
    assert fetch("tiny") == cache / "tiny"
    (cache / "tiny" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"rotten")
    assert [check.ok for check in check_files("tiny")] == [True, True, True, False]
    assert fetch("tiny") == cache / "tiny"
    assert all(check.ok for check in check_files("tiny"))
    assert len(server.asked) == 5


def test_fetch_keeps_data_outside_the_cache(server, tmp_path, monkeypatch):
    write(tmp_path / "shared" / "tiny")
    monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path / "shared"))
    assert fetch("tiny") == tmp_path / "shared" / "tiny"
    assert server.asked == []


def test_check_files_looks_where_load_data_does(cache, tmp_path):
    missing = check_files("tiny")
    assert [check.state for check in missing] == ["missing"] * 4
    assert missing[0].path == cache / "tiny" / "train-images-idx3-ubyte.gz"
    folder = write(tmp_path / "given", zipped=False, train_labels=np.zeros(12, np.uint8))
    checks = check_files("tiny", folder)
    assert [check.state for check in checks] == ["right", "wrong", "right", "right"]
    assert checks[1].path == folder / "train-labels-idx1-ubyte"


def test_available_lists_all_data_and_its_folder(cache):
    write(cache / "tiny")
    entries = {entry.name: entry for entry in available()}
    assert list(entries) == ["digits", "mnist", "fashion-mnist", "kmnist", "tiny"]
    assert entries["digits"].where == "in scikit-learn"
    assert entries["mnist"].where == "not here"
    assert entries["tiny"].where == str(cache / "tiny")
    assert entries["tiny"][:5] == ("tiny", 12, 6, 3, (1, 5, 4))


def test_available_reports_a_wrong_data_folder(monkeypatch):
    monkeypatch.setenv("HANDGRAD_DATA", "/nope")
    entries = {entry.name: entry.where for entry in available()}
    assert entries["digits"] == "in scikit-learn"
    assert entries["mnist"].startswith("not here: HANDGRAD_DATA is /nope, which is not a folder")


@pytest.mark.parametrize("ask", [load_data, fetch, check_files])
def test_an_unknown_name_is_rejected(ask):
    with pytest.raises(
        ConfigError, match="there is no data set called 'mnits'; did you mean mnist"
    ):
        ask("mnits")


def test_slow_libraries_are_imported_lazily():
    slow = "{'sklearn', 'requests', 'tqdm', 'filelock', 'platformdirs'}"
    code = f"import sys, handgrad.data; print({slow} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
