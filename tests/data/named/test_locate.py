import sys
from pathlib import Path

import pytest

from handgrad.data.folders import cache_folder
from handgrad.data.named.locate import find, locate
from handgrad.errors import DataError
from tests.data.family import source, write

TINY = source()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Use an empty cache."""
    folder = tmp_path / "cache"
    monkeypatch.setattr("handgrad.data.named.locate.cache_folder", lambda: folder)
    monkeypatch.delenv("HANDGRAD_DATA", raising=False)
    return folder


def test_the_order_is_data_dir_variable_cache(cache, tmp_path, monkeypatch):
    assert locate(TINY) is None
    write(cache / "tiny")
    assert locate(TINY) == cache / "tiny"
    write(tmp_path / "shared" / "tiny")
    monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path / "shared"))
    assert locate(TINY) == tmp_path / "shared" / "tiny"
    write(tmp_path / "given" / "tiny")
    assert locate(TINY, tmp_path / "given") == tmp_path / "given" / "tiny"
    assert locate(TINY, str(tmp_path / "given" / "tiny")) == tmp_path / "given" / "tiny"


def test_an_incomplete_folder_is_skipped(cache, tmp_path, monkeypatch):
    write(tmp_path / "shared" / "tiny", t10k_labels=None)
    monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path / "shared"))
    assert locate(TINY) is None
    write(cache / "tiny", zipped=False)
    assert locate(TINY) == cache / "tiny"


def test_gzipped_files_come_before_plain_ones(tmp_path):
    write(tmp_path, train_labels=None)
    write(tmp_path, zipped=False, t10k_images=None)
    assert locate(TINY, tmp_path) == tmp_path
    assert [find(tmp_path, file).suffix for file in TINY.files] == [".gz", "", ".gz", ".gz"]


def test_a_given_folder_is_the_only_one_searched(cache, tmp_path):
    write(cache / "tiny")
    folder = write(tmp_path / "given", t10k_labels=None)
    sentence = (
        f"^{folder} does not contain all of tiny: t10k-labels-idx1-ubyte.gz missing; add these "
        "files, gzipped or not, or do not give a folder, so that they are downloaded"
    )
    with pytest.raises(DataError, match=sentence):
        locate(TINY, folder)
    (folder / "tiny").mkdir()
    with pytest.raises(
        DataError, match=f"^{folder}/tiny does not contain all of tiny: train-images"
    ):
        locate(TINY, folder)


def test_a_given_folder_must_exist(tmp_path):
    with pytest.raises(DataError, match="nowhere is not a folder; give one that contains tiny"):
        locate(TINY, tmp_path / "nowhere")


def test_the_variable_must_name_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"HANDGRAD_DATA is .*nowhere, which is not a folder; corr"):
        locate(TINY)
    monkeypatch.setenv("HANDGRAD_DATA", "")
    assert locate(TINY) is None


def test_an_unreadable_folder_is_an_error(tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", denied)
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\); choose another"):
        locate(TINY, tmp_path)
    monkeypatch.setattr(Path, "is_dir", denied)
    monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"HANDGRAD_DATA is .*, which is not a folder"):
        locate(TINY)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "data" / "tiny")
    assert locate(TINY, "~/data") == tmp_path / "data" / "tiny"
    monkeypatch.setenv("HANDGRAD_DATA", "~/data")
    assert locate(TINY) == tmp_path / "data" / "tiny"


@pytest.mark.skipif(sys.platform != "linux", reason="the variable is Linux's")
def test_the_cache_folder_is_the_users(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/handgrad")


def test_the_variable_works_without_a_home_folder(tmp_path, monkeypatch):
    monkeypatch.undo()  # the cache folder is the true one again
    for name in ("HOME", "XDG_CACHE_HOME", "USERPROFILE", "LOCALAPPDATA", "HANDGRAD_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(DataError, match=r"^there is no home folder to look for data in; set HOME"):
        locate(TINY)
    write(tmp_path / "tiny")
    monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path))
    assert locate(TINY) == tmp_path / "tiny"
    monkeypatch.setenv("HANDGRAD_DATA", "~nobody-here/data")
    with pytest.raises(DataError, match=r"HANDGRAD_DATA is ~nobody-here/data, which is not a fold"):
        locate(TINY)
