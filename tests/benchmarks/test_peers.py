"""With the same initial weights, every peer has the same training losses."""

import shutil
from dataclasses import replace
from importlib.util import find_spec

import pytest

from benchmarks.peers import PREDICTING, TRAINING
from benchmarks.tasks import TRAINING as TASKS
from benchmarks.tasks import Workload
from benchmarks.worker import load

PACKAGE = {
    "pytorch": "torch",
    "jax": "jax",
    "jax-scan": "jax",
    "keras": "keras",
    "scikit-learn": "sklearn",
    "tinygrad": "tinygrad",
    "notebook": "numpy",
}

SLOW = pytest.mark.slow


def skip_without(*packages):
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'handgrad[bench]'")


def built(competitor, work):
    return load(competitor.where)(work, *competitor.arguments)


@pytest.mark.parametrize("network", ["softmax-regression", "two-layer", "fashion-mlp", "smallnet"])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW if name == "tinygrad" else ()) for name in PACKAGE]
)
def test_losses_are_those_of_the_reference(name, network):
    skip_without(PACKAGE[name])
    if name == "tinygrad" and not shutil.which("clang"):
        pytest.skip("tinygrad compiles with clang, which is not on the path")
    task = replace(TASKS[network], data="digits", images=300)
    try:
        peer = built(TRAINING[name], Workload(task))
    except NotImplementedError as reason:
        pytest.skip(str(reason))
    work = Workload(task)
    reference = built(TRAINING["reference"], work)
    for number in (0, 1):
        order = work.order(number)
        assert peer.epoch(order) == pytest.approx(reference.epoch(order), rel=2e-3)


@pytest.mark.parametrize("name", ["pytorch", "onnxruntime"])
def test_logits_are_those_of_the_reference(name, monkeypatch):
    skip_without("torch", *(("onnxruntime", "onnxscript") if name == "onnxruntime" else ()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    work = Workload(replace(TASKS["smallnet"], data="digits", images=50))
    peer = built(PREDICTING[name], work)
    expected = built(PREDICTING["reference"], work).logits(work.images)
    assert peer.logits(peer.images) == pytest.approx(expected, rel=1e-3, abs=1e-4)
