"""The plan report describes the plan of a network."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines import TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.engines.compiled.kernels.lanes import WORKER_PADDING
from handgrad.engines.compiled.report.plan_report import PlanReport
from handgrad.engines.compiled.runtime.program import Program
from handgrad.errors import ConfigError
from handgrad.layers import Dense, Flatten, ReLU
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS, named
from handgrad.network import Network
from handgrad.optim import SGD, Adam, Optimizer
from tests.cases import CASES, Case


class UserLayer(ReLU):
    """A layer without a kernel."""


class OtherLoss(SoftmaxCrossEntropy):
    """A loss without a kernel."""


def report_of(name: str, optimizer: Optimizer = SGD(), **how: Any) -> PlanReport:
    return hg.plan(Network(named(name), (1, 28, 28), 10), optimizer=optimizer, **how)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("skip_zeros", [False, True])
def test_the_report_has_the_multiply_adds_of_the_plan(case: Case, skip_zeros: bool) -> None:
    net = case.network()
    engine = CompiledEngine(net, TrainConfig(SoftmaxCrossEntropy(), Adam()))
    report = engine.plan_report(40, skip_zeros=skip_zeros)
    normed = sum(layer.forward + layer.backward for layer in report.layers if "Norm" in layer.name)
    assert report.multiply_adds - normed == engine.plan(40, skip_zeros=skip_zeros).multiply_adds
    assert report.multiply_adds == sum(layer.forward + layer.backward for layer in report.layers)
    assert sum(layer.forward for layer in report.layers) == net.summary().multiply_adds
    labels = {kernel.layer for phase in report.phases for kernel in phase.kernels}
    own = {layer.name for layer in report.layers} | {"step", "images", "loss", "update"}
    assert all(label in own or label.endswith("Residual") for label in labels)


@pytest.mark.parametrize("name", MODELS)
def test_inference_has_forward_multiply_adds_only(name: str) -> None:
    report = report_of(name, learning=False)
    assert report.task == "inference"
    assert report.multiply_adds == Network(named(name), (1, 28, 28), 10).summary().multiply_adds
    assert all(layer.backward == 0 for layer in report.layers)


def test_the_buffer_sizes_are_those_of_the_program() -> None:
    engine = CompiledEngine(
        Network(named("two-layer"), (1, 28, 28), 10),
        TrainConfig(SoftmaxCrossEntropy(), Adam()),
        workers=2,
    )
    report = engine.plan_report(64, skip_zeros=True)
    program = Program(engine.plan(64, skip_zeros=True), workers=2)
    sizes = {b.name: b.bytes * b.times for b in report.buffers if "halves" not in b.name}
    for buffer in program.plan.buffers():
        if buffer.name in sizes:
            array = program.array(buffer)
            spare = 64 + (
                WORKER_PADDING if len(array) == 2 else 0
            )  # cache lines, and the gap between workers
            assert 0 <= array.nbytes - sizes[buffer.name] < spare * len(array)
    assert report.bytes == sum(b.bytes * b.times for b in report.buffers)


def test_the_bytes_of_a_phase_are_those_of_its_arrays() -> None:
    report = report_of("online-mlp", SGD(weight_decay=0.1), skip_zeros=False)
    update = report.phases[-1]
    assert [kernel.kernel for kernel in update.kernels] == ["optim.sgd"]
    blocks = int(update.items.split()[1])
    assert (
        update.bytes == 2 * blocks * 2048 * 4 + 8
    )  # W, dW and the flag for numbers that are not finite


def test_the_line_of_a_layer_describes_how_it_was_lowered() -> None:
    lowered = {layer.name: layer.lowered_to for layer in report_of("two-layer").layers}
    assert lowered["0 Normalize"] == "fused with reading the images"
    assert lowered["1 Flatten"] == "nothing to compute"
    assert lowered["2 Dense"].startswith("skips the pixels that are zero; ")
    dense = {
        layer.name: layer.lowered_to for layer in report_of("two-layer", skip_zeros=False).layers
    }
    assert dense["2 Dense"].startswith("each worker caches the weights for half of the pixels; in ")
    large = {
        layer.name: layer.lowered_to for layer in report_of("online-mlp", skip_zeros=False).layers
    }
    assert large["1 Dense"].startswith("in phases ")


def test_a_layer_without_a_kernel_has_a_phase_in_python() -> None:
    net = Network([Flatten(), Dense(4), UserLayer(), Dense()], (1, 5, 5), 3)
    report = hg.plan(net)
    places = [n for n, phase in enumerate(report.phases, 1) if not phase.kernels]
    assert report.layers[2].lowered_to == (
        f"there is no kernel for it; it runs in Python; in phases {places[0]}, {places[1]}"
    )
    assert [p.items for p in report.phases if not p.kernels] == [
        "the whole batch, in Python: 2 UserLayer"
    ] * 2
    assert "2 UserLayer  there is no kernel for it" in str(report)


def test_a_loss_without_a_kernel_is_named_in_the_head() -> None:
    report = hg.plan(Network(named("two-layer"), (1, 28, 28), 10), loss=OtherLoss())
    assert "  OtherLoss: there is no kernel for this loss" in str(report).splitlines()[:4]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_too_wide(name: str, width: int) -> None:
    lines = report_of(name).text(width).splitlines()
    assert max(map(len, lines)) == width
    assert [line.split()[0] for line in lines if line and line[0] != " "] == [
        *("training", "layers", "phases", "buffers")
    ]


def test_each_kernel_is_shown_with_its_formula() -> None:
    for width in (80, 120):
        text = " ".join(report_of("two-layer", skip_zeros=False).text(width).split())
        assert "dense.forward 15 Y[o] = b[o] + Σᵢ W[o, i] X[i]" in text
        assert "optim.sgd_by_chunks dW = Σ_chunk parts[chunk] in order; W ← W − η dW" in text


def test_the_report_can_be_written_as_json() -> None:
    report = report_of("convnet", Adam())
    assert json.loads(json.dumps(report.to_dict())) == json.loads(json.dumps(asdict(report)))
    assert report.to_dict()["phases"][0]["kernels"][0]["kernel"] == "step.begin"


def test_a_plan_needs_a_batch_and_float32() -> None:
    net = Network(named("two-layer"), (1, 28, 28), 10)
    with pytest.raises(ConfigError, match="batch_size must be at least 1, not 0"):
        hg.plan(net, 0)
    for size in (2.5, "a", None, True):
        with pytest.raises(ConfigError) as refused:
            hg.plan(net, size)  # type: ignore[arg-type]
        assert str(refused.value) == (
            f"batch_size must be a whole number of at least 1, not {size!r}"
        )
    with pytest.raises(ConfigError, match="supports only float32, not float64"):
        hg.plan(Network(named("two-layer"), (1, 28, 28), 10, dtype=np.float64))


@pytest.mark.parametrize(("size", "words"), [(1, "1 image"), (40, "40 images")])
def test_a_plan_has_the_requested_batch_size(size: int, words: str) -> None:
    made = hg.plan(Network(named("two-layer"), (1, 28, 28), 10), np.int64(size))
    assert made.images == size
    assert str(made).startswith(f"training step of {words} by ")


def test_numba_is_not_imported() -> None:
    program = (
        "import sys, handgrad as hg; net = hg.Network(hg.models.convnet(), (1, 28, 28), 10);"
        "str(hg.plan(net)); print({'numba', 'llvmlite'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout == "set()\n"
