from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

import handgrad as hg
from handgrad.engines import StepResults
from handgrad.train.checkpoint.file import _digest, read_checkpoint, write_checkpoint
from handgrad.train.checkpoint.state import RunState, numbers, tensors
from handgrad.train.history import Epoch

RNG = np.random.default_rng(0)
ARRAYS = {"0.weight": RNG.normal(size=(3, 4)).astype(np.float32), "0.bias": np.zeros(3)}
STATE = RunState(
    arrays=ARRAYS,
    optimizer_state={name: {"mean": a + 1, "square": a * a} for name, a in ARRAYS.items()},
    best={name: a - 1 for name, a in ARRAYS.items()},
    steps=17,
    epoch=StepResults(np.array([0.1, 1 / 3]), np.array([3, 4])),
    seconds=0.1 + 0.2,
    records=[Epoch(1, 0.7, 1 / 3, None, 0.5, 1e-3, 1.5, 1e5, True)],
    lr_halvings=2,
    average_weights={name: a / 3 for name, a in ARRAYS.items()},
    average_count=4,
)
ABOUT = {"config": {"lr": 0.01, "data": "ü"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "c.safetensors", STATE, ABOUT)
    return tmp_path / "c.safetensors"


def test_state_is_read_back_bit_for_bit(file: Path) -> None:
    state, about = read_checkpoint(file)
    assert about == ABOUT
    assert numbers(state) == numbers(STATE)
    assert state.records == STATE.records
    found, expected = tensors(state), tensors(STATE)
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes()
    assert [p.name for p in file.parent.iterdir()] == ["c.safetensors"]


@given(data=st.data())
def test_damage_is_detected(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("c") / "c.safetensors"
    write_checkpoint(file, STATE, ABOUT)
    whole = file.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        damaged = whole[:place]
    else:
        flipped = whole[place] ^ data.draw(st.integers(1, 255))
        damaged = whole[:place] + bytes([flipped]) + whole[place + 1 :]
    file.write_bytes(damaged)
    with pytest.raises(hg.StorageError, match=r"c\.safetensors: damaged"):
        read_checkpoint(file)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"format": 1}, "has format 1, but this version of handgrad reads 2"),
        ({"format": 2, "state": {}, "about": {}}, "metadata is invalid"),
        ({"format": 2, "state": {**numbers(STATE), "records": [[1]]}}, "metadata is invalid"),
        ([], "metadata is invalid"),
    ],
)
def test_file_of_another_program_gives_a_one_sentence_error(
    content: object, sentence: str, tmp_path: Path
) -> None:
    text, named = json.dumps(content), tensors(STATE)
    file = tmp_path / "c.safetensors"
    file.write_bytes(save(named, {"handgrad": text, "sha256": _digest(named, text)}))
    with pytest.raises(hg.StorageError, match=sentence):
        read_checkpoint(file)


def test_model_file_is_not_a_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    hg.Classifier(hg.Network([hg.Flatten(), hg.Dense()], (1, 3, 3), 2)).save(file)
    with pytest.raises(hg.StorageError, match="damaged, its SHA-256 does not match"):
        read_checkpoint(file)
