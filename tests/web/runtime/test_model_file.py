"""JavaScript reads model files, and refuses damaged ones with one sentence."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.models import MODELS
from tests.classifier.forging import forged
from tests.classifier.test_model_file import saved
from tests.web.runtime.compare import FLOAT32_FORWARD
from tests.web.runtime.v8 import JavaScriptError, runtime

GOLDEN_FILES = sorted((Path(__file__).parents[2] / "classifier" / "golden_files").glob("*.safe*"))


def read(content: bytes) -> Any:
    return runtime().call("read", bytes=list(content), name="m.safetensors")


def refused(content: bytes) -> str:
    """Return the message with which a file is refused: one sentence that names the file."""
    with pytest.raises(JavaScriptError) as caught:
        read(content)
    message = str(caught.value)
    assert caught.value.kind == "ModelError", message
    assert message.startswith("m.safetensors: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", ["two-layer", "convnet", "smallnet"])
def test_a_saved_model_is_read_and_gives_its_golden_logits(name: str, tmp_path: Path) -> None:
    net = hg.Network(MODELS[name](), (1, 28, 28), 10, seed=3)
    net.fit_statistics(np.random.default_rng(0).random((4, 1, 28, 28), np.float32))
    path = tmp_path / "m.safetensors"
    hg.Classifier(net, [*"abcdefghij"]).save(
        path, {"score": float("nan"), "note": "é NaN \U0001f600"}
    )
    found, bundle = read(path.read_bytes()), read_bundle(path)
    assert found["names"] == list(net.arrays)
    assert found["digest"] == bundle.digest
    assert found["metadata"]["classes"] == [*"abcdefghij"]
    assert found["metadata"]["about"] == {"score": None, "note": "é NaN \U0001f600"}
    logits = bundle.golden.logits
    assert np.abs(found["answer"] - logits).max() <= FLOAT32_FORWARD * np.abs(logits).max()
    np.testing.assert_array_equal(found["golden_logits"], logits)


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda path: path.stem)
def test_files_of_each_format_are_read_or_refused_with_a_remedy(path: Path) -> None:
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    description = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["handgrad"])
    if description["format"] == 1:
        assert "its format is 1, but this page reads 2; run `handgrad upgrade`" in refused(content)
        return
    found = read(content)
    largest = np.abs(found["golden_logits"]).max()
    error = np.abs(found["answer"] - found["golden_logits"]).max()
    assert error <= FLOAT32_FORWARD * largest


@settings(max_examples=20)
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_the_digest_is_sha256(parts: list[bytes]) -> None:
    lists = json.dumps([list(part) for part in parts])
    code = f"handgrad.sha256({lists}.map((bytes) => Uint8Array.from(bytes)))"
    assert runtime().eval(code) == hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 3}, "its format is 3, but this page reads 2; install a newer handgrad"),
        ({"format": "x"}, "its description of the network has no format; save it again"),
        ({"layers": [5]}, "there is no layer undefined"),
        ({"layers": [None]}, "there is no layer undefined"),
        ({"layers": None}, "the layers must be a list"),
        ({"layers": [{"kind": "HeNormal"}]}, 'there is no layer "HeNormal"'),
        ({"layers": [{"kind": "__proto__"}]}, 'there is no layer "__proto__"'),
        ({"layers": [{"kind": "Dense", "units": 10**15}]}, "larger than every array in the file"),
        ({"layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 3}]}, "ends in (3,)"),
        ({"layers": [{"kind": "Flatten"}, {"kind": "Dense", "size": 2}]}, 'no setting "size"'),
        ({"layers": []}, "a network needs at least one layer"),
        ({"classes": 10**18}, "it has no list of classes"),
        ({"classes": ["a", "b", "c"]}, "ends in (2,), but needs one logit for each of the 3"),
        ({"classes": ["a"]}, "classes must be an integer of at least 2, not 1"),
        ({"shape": [1, 0, 2]}, "each size of the shape must be an integer of at least 1, not 0"),
        ({"shape": [1, 3, 3]}, "array 1.weight has shape (2, 4), but must be (2, 9)"),
        ({"shape": "abc"}, "the shape must be a list"),
        ({"dtype": "float13"}, 'dtype must be float32 or float64, not "float13"'),
    ],
)
def test_a_wrong_description_is_refused(
    change: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    assert sentence in refused(saved(tmp_path / "m.safetensors", change).read_bytes())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"drop": "1.bias"}, "array 1.bias is missing"),
        ({"arrays": {"1.bias": np.full(2, np.nan, np.float32)}}, "array 1.bias contains NaN"),
        ({"arrays": {"7.bias": np.ones(2, np.float32)}}, "array 7.bias is not in this network"),
    ],
)
def test_wrong_arrays_are_refused(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    path = forged(saved(tmp_path / "m.safetensors"), **change)
    assert sentence in refused(path.read_bytes())


def test_any_truncation_and_any_flipped_bit_is_detected(tmp_path: Path) -> None:
    whole = saved(tmp_path / "m.safetensors").read_bytes()
    for at in range(0, len(whole), 13):
        refused(whole[:at])
        refused(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])


FLOAT = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("[]", "its header is not a JSON object"),
        ("{", "its header is not JSON"),
        ({"x": 3}, "unknown type"),
        ({"x": FLOAT | {"dtype": "F16"}}, 'array x has the unknown type "F16"'),
        ({"x": FLOAT | {"dtype": "toString"}}, "unknown type"),
        ({"x": FLOAT | {"shape": [3]}}, "array x has 8 bytes, which do not fit its shape"),
        ({"x": FLOAT | {"shape": [-2]}}, "no valid shape"),
        ({"x": FLOAT | {"shape": [2**40, 2**40]}}, "do not fit its shape"),
        ({"x": FLOAT | {"data_offsets": [0, 2**60]}}, "no valid shape and offsets"),
        ({"x": FLOAT | {"data_offsets": [8, 16]}}, "array x is in the wrong place"),
        ({"x": FLOAT, "y": FLOAT}, "array y is in the wrong place"),
        ({"x": FLOAT | {"shape": [1], "data_offsets": [0, 4]}}, "bytes follow the last array"),
        ({"x": FLOAT}, "not saved by handgrad: it has no description"),
        (
            {"x": FLOAT, "__metadata__": {"handgrad": "{"}},
            "description of the network is corrupted",
        ),
        ({"x": FLOAT, "__metadata__": {"handgrad": "[" * 10**5}}, "is corrupted"),
        ({"x": FLOAT, "__metadata__": {"handgrad": '{"format": 2}'}}, "its digest is undefined"),
        ({"x": FLOAT, "__metadata__": [1]}, "its header is not a JSON object"),
    ],
)
def test_a_header_that_does_not_describe_the_file_is_refused(header: Any, sentence: str) -> None:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    assert sentence in refused(struct.pack("<Q", len(text)) + text + bytes(8))
