"""Mutated model files give a network or a one-sentence error, quickly and in little memory."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

import handgrad as hg
from handgrad.classifier.model_file import digest
from handgrad.preprocess import drawing
from tests.classifier.forging import forged

SLOWEST = 0.2  # seconds
MOST_MEMORY = 64 * 2**20


def whole(path: Path) -> bytes:
    """Return the bytes of a small model that has every optional part of a file."""
    layers = [hg.Normalize(), hg.Conv2d(2, 3), hg.BatchNorm(), hg.ReLU(), hg.Flatten(), hg.Dense()]
    model = hg.Classifier(
        hg.Network(layers, (1, 8, 8), 3),
        ["one", "two", "three"],
        preprocessing=drawing(8),
        calibration=hg.Calibration(temperature=1.5, threshold=0.5, precision=0.9),
    )
    model.save(path, {"data": {"name": "none"}, "seed": 3})
    return path.read_bytes()


def resealed(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a file after mutating its description and updating its digest."""
    arrays = load(content)
    text = safe_metadata(content)["handgrad"].encode()
    changed = mutated(text, len(text), rng).decode("utf-8", "replace")
    return save(arrays, {"handgrad": changed, "digest": digest(changed, arrays)})


def safe_metadata(content: bytes) -> dict[str, str]:
    """Return the metadata of a safetensors file."""
    found: dict[str, str] = json.loads(content[8:][: header(content)])["__metadata__"]
    return found


def header(content: bytes) -> int:
    """Return the length of the header of a safetensors file."""
    return int.from_bytes(content[:8], "little")


def mutated(content: bytes, header: int, rng: np.random.Generator) -> bytes:
    """Return content with mutated, removed, repeated or truncated bytes, often in the header."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        end = min(header, len(changed)) if rng.random() < 0.5 else len(changed)
        at, length = int(rng.integers(0, max(end, 1))), int(rng.integers(1, 9))
        match rng.integers(0, 5):
            case 0:
                changed[at : at + length] = rng.bytes(length)
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length]
            case 3:
                changed[at : at + 1] = rng.choice([b"9", b"-", b"}", b"[", b'"', b"\xff", b"\0"])
            case _:
                del changed[at : None if rng.random() < 0.1 else at + 1]
    return bytes(changed)


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_mutated_file_gives_a_network_or_a_one_sentence_error(
    count: int, tmp_path: Path, pytestconfig: pytest.RunConfig
) -> None:
    seed = int(pytestconfig.option.hypothesis_seed)
    content, path = whole(tmp_path / "m.safetensors"), tmp_path / "changed.safetensors"
    rng, slowest, refused = np.random.default_rng(seed), 0.0, 0
    hg.load_model(tmp_path / "m.safetensors")  # loads Pillow and what else it takes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        changed = mutated(content, header(content), rng) if number % 2 else resealed(content, rng)
        path.write_bytes(changed)
        started = time.process_time()
        try:
            hg.load_model(path)
        except hg.ModelError:
            refused += 1
        except BaseException as error:
            pytest.fail(f"file {number} of --hypothesis-seed={seed}: {error!r}")
        slowest = max(slowest, time.process_time() - started)
    assert refused > 0.9 * count
    assert slowest < SLOWEST
    unit = 1 if sys.platform == "darwin" else 1024
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit
    assert grown < MOST_MEMORY


@pytest.mark.parametrize(
    "change",
    [
        {"preprocessing": {"shape": [1, 4096, 4096], "steps": []}},
        {"preprocessing": {"shape": [1, 8, 8], "steps": [{"kind": "Resize", "height": 10**9}]}},
        {"preprocessing": 7},
        {"preprocessing": None},
        {"calibration": {"temperature": 0}},
        {"calibration": 3},
        {"golden": 4},
        {"shape": [1, 10**6, 10**6]},
        {"classes": ["one"] * 3},
    ],
)
def test_an_edited_description_with_a_new_digest_is_refused(
    change: dict[str, object], tmp_path: Path
) -> None:
    whole(tmp_path / "m.safetensors")
    with pytest.raises(hg.ModelError, match="is not consistent"):
        hg.load_model(forged(tmp_path / "m.safetensors", description=change))


def test_the_digest_depends_on_names_shapes_and_dtypes() -> None:
    array = np.arange(6, dtype=np.float32)
    one = digest("text", {"a": array})
    assert one == digest("text", {"a": array.copy()})
    for text, arrays in [
        ("Text", {"a": array}),
        ("text", {"b": array}),
        ("text", {"a": array.reshape(2, 3)}),
        ("text", {"a": array.view(np.int32)}),
        ("text", {"a": array[::-1]}),
        ("text", {"a": array[:5], "b": array[5:]}),
    ]:
        assert digest(text, arrays) != one
