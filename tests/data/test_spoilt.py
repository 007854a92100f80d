"""Files of arrays, spoilt at random: only our errors, soon, without much memory."""

import gzip
import random
import time
import tracemalloc
from io import BytesIO

import numpy as np
import pytest

import handgrad as hg
from handgrad.data.idx import read_idx
from handgrad.data.own import read_own
from handgrad.errors import HandgradError
from tests.data.idxfiles import encode
from tests.data.mutations import mutated

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (12, 5, 5), np.uint8)
Y = np.arange(12) % 3


def idx(_):
    return "pictures-idx3-ubyte", [encode(X), gzip.compress(encode(X))]


def npz(_):
    whole, packed, named = BytesIO(), BytesIO(), BytesIO()
    np.savez(whole, x_train=X, y_train=Y, x_test=X[:6], y_test=Y[:6])
    np.savez_compressed(packed, x_train=X, y_train=Y)
    np.savez_compressed(named, x=X / 255, y=np.array(["a", "b", "c"])[Y])
    return "pictures.npz", [whole.getvalue(), packed.getvalue(), named.getvalue()]


def csv(_):
    lines = [f"{y}," + ",".join(map(str, x.ravel())) for x, y in zip(X, Y, strict=True)]
    text = "\n".join(lines)
    return "pictures.csv", [text.encode(), b"label,a,b\n" + text.encode()]


def bundle(folder):
    net = hg.Network([hg.Flatten(), hg.Dense(4), hg.BatchNorm(), hg.Dense()], (1, 5, 5), 3)
    hg.save_model(net, folder / "whole.safetensors")
    return "model.safetensors", [(folder / "whole.safetensors").read_bytes()]


READERS = {idx: read_idx, npz: read_own, csv: read_own, bundle: hg.load_model}


def spoil(folder, made, count, seed):
    """Read `count` spoilt files; return how many could be read, the longest time, the memory."""
    name, contents = made(folder)
    rng, path, read, longest = random.Random(seed), folder / name, 0, 0.0
    tracemalloc.start()
    for number in range(count):
        path.write_bytes(mutated(contents[number % len(contents)], rng))
        began = time.process_time()
        try:
            READERS[made](path)
        except HandgradError as error:
            assert str(error)  # noqa: PT017
        else:
            read += 1
        longest = max(longest, time.process_time() - began)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return read, longest, memory


@pytest.mark.parametrize("made", READERS)
def test_spoilt_files_give_data_or_a_sentence(tmp_path, made):
    read, _, memory = spoil(tmp_path, made, 150, seed=0)
    assert read < 150
    assert memory < 50e6


@pytest.mark.slow
@pytest.mark.parametrize("made", READERS)
def test_ten_thousand_spoilt_files(tmp_path, made):
    read, longest, memory = spoil(tmp_path, made, 10_000, seed=1)
    print(f"{made.__name__}: {read:,} read, at most {longest * 1e3:.0f} ms, {memory / 1e6:.0f} MB")
    assert longest < 0.2
    assert memory < 50e6
