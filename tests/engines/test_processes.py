"""Processes: a child trains and predicts as its parent does, forked or spawned."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAM = """
import multiprocessing, sys, warnings
import numpy as np
import handgrad as hg
from handgrad.engines import Rules, engine_named

ENGINES = sys.argv[2:]
X = np.random.default_rng(0).integers(0, 256, (300, 1, 28, 28), np.uint8)
y = np.arange(300) % 10

def network():
    return hg.Network(hg.models.fashion_mlp(), (1, 28, 28), 10, seed=1)

def trained(net, engine):
    engine = engine_named(engine, net, Rules(hg.SoftmaxCrossEntropy(), hg.SGD(0.01)))
    for _ in range(3):
        engine.step(X, y, None, 0.01)
    return engine.logits(X), net.logits(X)

def child(queue, nets):
    for engine, net in nets.items():
        queue.put((trained(network(), engine), trained(net, engine)))

def alike(engine, found, wanted):
    if engine == "torch:cpu":  # a forked child has one thread, and rounds as one
        return all(np.allclose(a, b, 1e-4, 1e-5) for a, b in zip(found, wanted))
    return all(np.array_equal(a, b) for a, b in zip(found, wanted))

if __name__ == "__main__":
    warnings.simplefilter("ignore")  # later Pythons warn of forks where a library has threads
    nets = {engine: network() for engine in ENGINES}
    first = {engine: trained(net, engine) for engine, net in nets.items()}
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.Queue()
    process = context.Process(target=child, args=(queue, nets))
    process.start()
    for engine, net in nets.items():
        again, onward = queue.get(timeout=200)
        next = trained(net, engine)
        print(engine, alike(engine, again, first[engine]), alike(engine, onward, next),
              alike(engine, next, first[engine]))
    process.join(60)
    print(process.exitcode)
"""


@pytest.mark.parametrize(
    "method", sorted({"fork", "spawn"} & {*multiprocessing.get_all_start_methods()})
)
def test_a_child_starts_anew_and_goes_on_as_its_parent_does(method: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    engines = ("reference", "compiled", *(("torch:cpu",) if find_spec("torch") else ()))
    done = subprocess.run(
        [sys.executable, "program.py", method, *engines],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [f"{engine} True True False" for engine in engines]
    assert done.stdout.splitlines() == [*lines, "0"], done.stderr
