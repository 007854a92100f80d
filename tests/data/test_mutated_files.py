"""Mutated files raise only a HandgradError, quickly and with little memory."""

import gzip
import os
from io import BytesIO

import numpy as np
import pytest
import scipy.io

import handgrad as hg
from handgrad.data.formats.idx import read_idx
from handgrad.data.user_data import load_user_data
from tests.data.idxfiles import encode
from tests.data.mutations import measure_reads, no_pickle

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (12, 5, 5), np.uint8)
Y = np.arange(12) % 3


def idx(_):
    return "images-idx3-ubyte", [encode(X), gzip.compress(encode(X))]


class Trap:
    """An object that runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def npz(folder):
    whole, packed, named, pickled = BytesIO(), BytesIO(), BytesIO(), BytesIO()
    np.savez(whole, x_train=X, y_train=Y, x_test=X[:6], y_test=Y[:6])
    np.savez_compressed(packed, x_train=X, y_train=Y)
    np.savez_compressed(named, x=X / 255, y=np.array(["a", "b", "c"])[Y])
    np.savez(pickled, x=X, y=np.array([Trap(f"touch {folder}/sprung")] * 12))
    return "images.npz", [file.getvalue() for file in (whole, packed, named, pickled)]


def csv(_):
    lines = [f"{y}," + ",".join(map(str, x.ravel())) for x, y in zip(X, Y, strict=True)]
    text = "\n".join(lines)
    return "images.csv", [text.encode(), b"label,a,b\n" + text.encode()]


def table(_):
    header = "id;label;" + ";".join(f"pixel{k}" for k in range(25))
    rows = [[n, y, *x.ravel() / 255] for n, (x, y) in enumerate(zip(X, Y, strict=True))]
    floats = "\n".join([header, *(";".join(map(str, row)) for row in rows)])
    packed = "\n".join(
        ["emotion,pixels,Usage"]
        + [f'{y},"{" ".join(map(str, x.ravel()))}",Training' for x, y in zip(X, Y, strict=True)]
    )
    flags = [*("abc"), *(f"r{r}c{c}" for r in range(5) for c in range(5))]
    one_hot = "\n".join(
        [",".join(flags)]
        + [
            ",".join(map(str, [*map(int, np.eye(3)[y]), *x.ravel()]))
            for x, y in zip(X, Y, strict=True)
        ]
    )
    contents = [text.encode() for text in (floats, packed, one_hot)]
    return "images.tsv", [*contents, gzip.compress(contents[0])]


def npy(folder):
    np.save(folder / "y.npy", Y)
    file = BytesIO()
    np.save(file, X)
    return "X.npy", [file.getvalue()]


def mat(_):
    plain, packed, named = BytesIO(), BytesIO(), BytesIO()
    scipy.io.savemat(plain, {"X": X, "y": Y})
    scipy.io.savemat(packed, {"X": X, "y": Y, "s": {"a": X}}, do_compression=True)
    scipy.io.savemat(named, {"x": X[:3] / 255, "y": ["a", "bé", "c"]})
    return "images.mat", [file.getvalue() for file in (plain, packed, named)]


def bundle(folder):
    net = hg.Network([hg.Flatten(), hg.Dense(4), hg.BatchNorm(), hg.Dense()], (1, 5, 5), 3)
    hg.Classifier(net).save(folder / "whole.safetensors")
    return "model.safetensors", [(folder / "whole.safetensors").read_bytes()]


OWN_DATA = (npz, csv, table, npy, mat)
READERS = {idx: read_idx, bundle: hg.load_model, **dict.fromkeys(OWN_DATA, load_user_data)}


def read_mutated(folder, made, count, seed):
    """Read `count` mutated files, and return the cost."""
    name, contents = made(folder)
    files = [(folder / name, content) for content in contents]
    return measure_reads(READERS[made], files, count, seed)


@pytest.mark.parametrize("made", READERS)
def test_mutated_files_are_read_or_rejected(tmp_path, made):
    found = read_mutated(tmp_path, made, 150, seed=0)
    assert found.read < 150
    assert found.traced < 50e6
    assert not (tmp_path / "sprung").exists()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("made", READERS)
def test_ten_thousand_mutated_files(tmp_path, made, part):
    found = read_mutated(tmp_path, made, 5_000, seed=1 + part)
    print(f"{made.__name__}, part {part}: {found}")
    assert found.seconds < 0.2
    assert max(found.traced, found.grown) < 50e6
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_is_rejected_and_opening_it_detected(tmp_path):
    name, contents = npz(tmp_path)
    (tmp_path / name).write_bytes(contents[-1])
    with pytest.raises(
        hg.DataError, match="has dtype object, which is neither numbers nor strings"
    ):
        load_user_data(tmp_path / name)
    with no_pickle(), pytest.raises(AssertionError, match="a pickle was opened"):
        np.load(tmp_path / name, allow_pickle=True)["y"]
    assert not (tmp_path / "sprung").exists()
