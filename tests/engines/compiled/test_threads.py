"""Several threads may call the engines at once, and no engine starts more threads than cores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines import Engine, ReferenceEngine, TrainConfig, engine_named
from handgrad.engines.compiled import CompiledEngine
from handgrad.network import Network
from tests.extras import without

needs_torch = without("torch")
CONFIG = TrainConfig(hg.SoftmaxCrossEntropy(), hg.Adam(1e-3))
ENGINES: dict[str, Callable[[Network], Engine]] = {
    "reference": lambda net: ReferenceEngine(net, CONFIG),
    "compiled": lambda net: CompiledEngine(net, CONFIG, workers=2),
    "torch": lambda net: engine_named("torch:cpu", net, CONFIG),
}
NAMES = [name if name != "torch" else pytest.param(name, marks=needs_torch) for name in ENGINES]
THREADS, REPEATS = 8, 12


def network(seed: int = 0) -> Network:
    layers = [hg.Conv2d(8, 3), hg.BatchNorm(), hg.ReLU(), hg.Flatten(), hg.Dense(30), hg.Dense()]
    return hg.Network(layers, (1, 8, 8), 10, seed=seed)


def images(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 8, 8), np.uint8)


def run_concurrently(work: Callable[[int], None]) -> None:
    """Run the work of all threads at the same time; raise the first exception of a thread."""
    with ThreadPoolExecutor(THREADS) as pool:
        for job in [pool.submit(work, thread) for thread in range(THREADS)]:
            job.result(timeout=300)


@pytest.mark.parametrize("name", NAMES)
def test_eight_threads_predict_with_one_engine(name: str) -> None:
    engine = ENGINES[name](network())
    shares = [images(3 + 40 * k, k) for k in range(THREADS)]
    alone = [engine.logits(X) for X in shares]

    def work(thread: int) -> None:
        for _ in range(REPEATS):
            np.testing.assert_array_equal(engine.logits(shares[thread]), alone[thread])

    run_concurrently(work)


@pytest.fixture
def torch_threads() -> Iterator[None]:
    """Restore the number of threads that PyTorch uses for one operation."""
    if find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("torch_threads")
@pytest.mark.parametrize("name", NAMES)
def test_eight_threads_train_with_separate_engines(name: str) -> None:
    X, y = images(50), np.arange(50) % 10

    def train(thread: int) -> tuple[Any, dict[str, Any]]:
        if name == "torch":  # the number of PyTorch's own threads changes the last bits
            import torch

            torch.set_num_threads(1)
        engine = ENGINES[name](net := network(thread))
        losses = [engine.step(X, y, None, 1e-3)[0] for _ in range(REPEATS)]
        return losses + engine.logits(X).ravel().tolist(), net.snapshot()

    alone = [train(thread) for thread in range(THREADS)]

    def work(thread: int) -> None:
        numbers, arrays = train(thread)
        assert numbers == alone[thread][0]
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, alone[thread][1][key])

    run_concurrently(work)


def test_eight_threads_predict_with_one_network() -> None:
    net, X = network(), images(300)
    alone = net.logits(X)

    def work(_: int) -> None:
        for _ in range(3):
            np.testing.assert_array_equal(net.logits(X), alone)

    run_concurrently(work)


COUNTED = """
import os, threading
started = []
start = threading.Thread.start
threading.Thread.start = lambda self: (started.append(self), start(self))[1]
import numpy as np
import handgrad as hg
from handgrad.engines import TrainConfig, engine_named
X, y = np.random.default_rng(0).integers(0, 256, (2000, 1, 28, 28), np.uint8), np.arange(2000) % 10
data = hg.Dataset.from_arrays(X, y)
for name in ("reference", "compiled", "torch:cpu"):
    net = hg.Network(hg.models.fashion_mlp(), data.shape, len(data.classes))
    hg.fit(net, data, validation=0.5, epochs=2, batch_size=200, engine=name)
print(len(started), len(os.listdir("/proc/self/task")))
"""


@needs_torch
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system has no /proc")
@pytest.mark.parametrize("bound", ["variable", "processor"])
def test_on_one_core_every_engine_uses_one_thread(bound: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    program = COUNTED
    if bound == "variable":
        environment["OMP_NUM_THREADS"] = "1"
    else:
        program = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n" + program
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "1"]
