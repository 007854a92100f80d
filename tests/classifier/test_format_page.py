"""A reader written from docs/format.md with NumPy and the standard library gives the logits."""

from __future__ import annotations

import hashlib
import json
import struct

import numpy as np
import pytest

import handgrad as hg
from handgrad.preprocess import drawing

TYPES = {"F32": "<f4", "F64": "<f8", "U8": "u1", "I64": "<i8"}


def read(content: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """Return the description and the arrays of a model file."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata, data = header.pop("__metadata__"), content[8 + length :]
    arrays = {}
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        values = np.frombuffer(data[start:stop], TYPES[entry["dtype"]])
        arrays[name] = values.reshape(entry["shape"])
    sha = hashlib.sha256(metadata["handgrad"].encode())
    for name in sorted(arrays):
        array = arrays[name]
        sha.update(f"\n{name} {array.dtype.name} {list(array.shape)}\n".encode())
        sha.update(array.tobytes())
    assert sha.hexdigest() == metadata["digest"]
    return json.loads(metadata["handgrad"]), arrays


def logits(description: dict, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Return the logits of the golden images."""
    X = arrays["golden.images"]
    was_uint8 = X.dtype == np.uint8
    X = X.astype(description["dtype"]) / 255 if was_uint8 else X
    for k, layer in enumerate(description["layers"]):
        match layer["kind"]:
            case "Normalize":
                X = (X - arrays[f"{k}.mean"]) / arrays[f"{k}.std"]
            case "Flatten":
                X = X.reshape(len(X), -1)
            case "Dense":
                X = X @ arrays[f"{k}.weight"].T + arrays[f"{k}.bias"]
            case "ReLU":
                X = np.maximum(X, 0)
            case kind:
                pytest.fail(f"the page does not describe {kind}")
    return X


def test_a_reader_written_from_the_page_gives_the_golden_logits(tmp_path):
    train, test = hg.load_data("digits")
    layers = [hg.Normalize(), hg.Flatten(), hg.Dense(32), hg.ReLU(), hg.Dense()]
    model = hg.Classifier.for_data(layers, train, seed=0)
    hg.fit(model, train, epochs=2, engine="reference")
    model.preprocessing = drawing(8)
    model.save(tmp_path / "m.safetensors", golden=test.images)
    description, arrays = read((tmp_path / "m.safetensors").read_bytes())
    assert description["format"] == 2
    assert description["classes"] == list(range(10))
    assert description["preprocessing"]["version"] == 2
    assert description["shape"] == [1, 8, 8]
    found = logits(description, arrays)
    assert np.abs(found - arrays["golden.logits"]).max() < 1e-5 * max(1, np.abs(found).max())
    assert arrays["golden.raw"].shape[-1] == 4
