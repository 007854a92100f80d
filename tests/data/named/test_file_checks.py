import gzip

import pytest

from handgrad.data.named.file_checks import check_file
from tests.data.family import CONTENT, ZIPPED, source

NAME = "train-images-idx3-ubyte"
WHOLE = CONTENT[NAME]


@pytest.mark.parametrize(
    ("of", "data", "state"),
    [
        ("content", WHOLE, "right"),
        ("content", ZIPPED[NAME], "right"),
        ("content", gzip.compress(WHOLE, 1), "right"),
        ("content", WHOLE[:-1] + b"?", "wrong"),
        ("content", WHOLE + b"\0", "wrong"),
        ("content", WHOLE[:-1], "wrong"),
        ("content", b"", "wrong"),
        ("content", ZIPPED[NAME][:-4], "broken"),
        ("content", None, "missing"),
        ("gzip", ZIPPED[NAME], "right"),
        ("gzip", gzip.compress(WHOLE, 1, mtime=1), "wrong"),
        ("gzip", ZIPPED[NAME][:-1], "wrong"),
        ("gzip", WHOLE, "unknown"),
        ("gzip", None, "missing"),
    ],
)
def test_the_state_of_a_file_follows_from_its_sha256(tmp_path, of, data, state):
    file, path = source(of=of).files[0], tmp_path / "file"
    if data is not None:
        path.write_bytes(data)
    check = check_file(file, path)
    assert check.state == state
    assert check.ok == (state == "right")
    assert check.path == path
    assert check.expected == file.sha256
    assert (check.found == file.sha256) == (state == "right")
    assert (check.found is None) == (state in ("broken", "missing", "unknown"))
