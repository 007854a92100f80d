"""A model file from a stranger: Python and the page refuse it in one sentence, and quickly."""

import json
import struct
from pathlib import Path

import pytest

from handgrad.web.server import LocalServer, make_app
from handgrad.web.session import Session
from tests.web.client import Client
from tests.web.runtime.v8 import runtime


def with_header(header: bytes, length: int | None = None, data: bytes = b"") -> bytes:
    """Return a safetensors file with a given header, and perhaps another length than it has."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


HUGE = {"a": {"dtype": "F32", "shape": [2**31, 2**31], "data_offsets": [0, 2**62]}}
NEGATIVE = {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}}
OVERLAP = {
    name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in ("a", "__proto__")
}
FILES = {
    "empty": b"",
    "short": b"\x01\x02",
    "huge header": with_header(b"{}", 2**60),
    "negative header": with_header(b"{}", 2**64 - 1),
    "no JSON": with_header(b"\xff" * 40),
    "nested": with_header(b"[" * 100_000),
    "no metadata": with_header(b"{}"),
    "huge array": with_header(json.dumps(HUGE).encode()),
    "negative shape": with_header(json.dumps(NEGATIVE).encode(), data=b"\0" * 4),
    "overlapping arrays": with_header(json.dumps(OVERLAP).encode(), data=b"\0" * 4),
    "script": with_header(b'{"__metadata__": {"handgrad": "<script>alert(1)</script>"}}'),
    "another program's": with_header(
        json.dumps({"__metadata__": {"format": "pt"}, **{"w": OVERLAP["a"]}}).encode(),
        data=b"\0" * 4,
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_model_file_is_one_sentence_in_python_and_in_the_page(name, tmp_path: Path):
    path = tmp_path / "strange.safetensors"
    path.write_bytes(FILES[name])
    server = LocalServer(make_app(Session(path)))
    server.start()
    try:
        client = Client(server)
        status, _, body = client.answer("GET", "/api/images", client.own)
        _, _, content = client.answer("GET", "/api/model", client.own)
    finally:
        server.stop()
    sentence = json.loads(body)["error"]
    assert status == 400
    assert sentence.startswith("strange.safetensors: ")
    assert "\n" not in sentence
    assert str(tmp_path) not in sentence
    assert content == FILES[name]

    code = f"handgrad.Classifier.from_bytes(Uint8Array.from({list(content)}))"
    caught = "return `${e.constructor.name}: ${e.message}`;"
    error = runtime().eval(f"(() => {{ try {{ {code}; }} catch (e) {{ {caught} }} }})()")
    assert error.startswith(("ModelError: the model file", "DataError: "))
    assert "\n" not in error
