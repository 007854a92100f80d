"""A forked or spawned child process trains and predicts like its parent."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAM = """
import multiprocessing, sys, warnings
import numpy as np
import handgrad as hg
from handgrad.engines import TrainConfig, engine_named

ENGINES = sys.argv[2:]
X = np.random.default_rng(0).integers(0, 256, (300, 1, 28, 28), np.uint8)
y = np.arange(300) % 10

def network():
    return hg.Network(hg.models.fashion_mlp(), (1, 28, 28), 10, seed=1)

def trained(net, engine):
    engine = engine_named(engine, net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.SGD(0.01)))
    for _ in range(3):
        engine.step(X, y, None, 0.01)
    return engine.logits(X), net.logits(X)

def child(queue, nets):
    for engine, net in nets.items():
        queue.put((trained(network(), engine), trained(net, engine)))

def equal(engine, found, wanted):
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
        print(engine, equal(engine, again, first[engine]), equal(engine, onward, next),
              equal(engine, next, first[engine]))
    process.join(60)
    print(process.exitcode)
"""


@pytest.mark.parametrize(
    "method", sorted({"fork", "spawn"} & {*multiprocessing.get_all_start_methods()})
)
def test_a_child_trains_as_its_parent_does(method: str, tmp_path: Path) -> None:
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


BUSY = """
import os, threading, warnings
import numpy as np
import handgrad as hg
from handgrad.engines import BatchStream, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.engines.compiled.jit import compiler

warnings.simplefilter("ignore")  # later Pythons warn of forks where there are threads
X = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), np.uint8)
y = np.arange(40) % 3

def trained(engine, steps):
    engine.run(BatchStream(X, y, None, np.tile(np.arange(40), steps), 40, [0.1] * steps))
    return engine.logits(X)

def new_engine():
    net = hg.Network([hg.Flatten(), hg.Dense(5), hg.ReLU(), hg.Dense()], (1, 8, 8), 3, seed=1)
    return CompiledEngine(net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.SGD(0.1)), workers=2)

def in_a_child(wanted, engine):
    process = os.fork()
    if process == 0:
        import faulthandler
        faulthandler.dump_traceback_later(60, exit=True)
        os._exit(0 if np.array_equal(trained(engine, 2), wanted) else 2)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

wanted = trained(new_engine(), 2)

busy = new_engine()
busy.parallel_step_threshold = busy.parallel_run_threshold = 0
busy.run(BatchStream(X, y, None, np.arange(40), 40, [0.0]))
started = threading.Event()
execute = busy._execute
busy._execute = lambda *arguments: started.set() or execute(*arguments)
long = threading.Thread(target=trained, args=(busy, 60_000), daemon=True)
long.start(); started.wait()
print("training", long.is_alive(), in_a_child(wanted, busy))

started = threading.Event()
compiler._object_code = lambda kernel: started.set() or compiler._compile(kernel)
new = compiler.Kernel("chain.copy", (("UNUSED", 1),))
slow = threading.Thread(target=lambda: compiler.addresses([new]), daemon=True)
slow.start(); started.wait()
print("compiling", in_a_child(wanted, new_engine()))
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_does_not_wait_for_threads_of_its_parent(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(BUSY)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.splitlines() == ["training True 0", "compiling 0"], done.stderr
