"""A plan as it is read."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines import Rules
from handgrad.engines.compiled import CompiledEngine
from handgrad.engines.compiled.kernels.lanes import WORKER_PADDING
from handgrad.engines.compiled.report.report import Outline
from handgrad.engines.compiled.runtime.program import Program
from handgrad.errors import ConfigError
from handgrad.layers import Dense, Flatten, ReLU
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS, named
from handgrad.network import Network
from handgrad.optim import SGD, Adam, Optimizer
from tests.cases import CASES, Case


class Doubled(ReLU):
    """A layer that the engine does not know."""


class OtherLoss(SoftmaxCrossEntropy):
    """A loss that the engine does not know."""


def outlined(name: str, optimizer: Optimizer = SGD(), **how: Any) -> Outline:
    return hg.plan(Network(named(name), (1, 28, 28), 10), optimizer=optimizer, **how)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("skip_zeros", [False, True])
def test_the_outline_counts_what_the_plan_counts(case: Case, skip_zeros: bool) -> None:
    net = case.network()
    engine = CompiledEngine(net, Rules(SoftmaxCrossEntropy(), Adam()))
    said = engine.outline(40, skip_zeros=skip_zeros)
    normed = sum(layer.forward + layer.backward for layer in said.layers if "Norm" in layer.name)
    assert said.multiply_adds - normed == engine.plan(40, skip_zeros=skip_zeros).multiply_adds
    assert said.multiply_adds == sum(layer.forward + layer.backward for layer in said.layers)
    assert sum(layer.forward for layer in said.layers) == net.summary().multiply_adds
    labels = {kernel.layer for phase in said.phases for kernel in phase.kernels}
    own = {layer.name for layer in said.layers} | {"step", "images", "loss", "update"}
    assert all(label in own or label.endswith("Residual") for label in labels)


@pytest.mark.parametrize("name", MODELS)
def test_inference_makes_the_forward_products_alone(name: str) -> None:
    said = outlined(name, learning=False)
    assert said.task == "inference"
    assert said.multiply_adds == Network(named(name), (1, 28, 28), 10).summary().multiply_adds
    assert all(layer.backward == 0 for layer in said.layers)


def test_the_buffers_are_as_large_as_the_programs() -> None:
    engine = CompiledEngine(
        Network(named("two-layer"), (1, 28, 28), 10),
        Rules(SoftmaxCrossEntropy(), Adam()),
        workers=2,
    )
    said = engine.outline(64, skip_zeros=True)
    program = Program(engine.plan(64, skip_zeros=True), workers=2)
    sizes = {b.name: b.bytes * b.times for b in said.buffers if "halves" not in b.name}
    for buffer in program.plan.buffers():
        if buffer.name in sizes:
            array = program.array(buffer)
            spare = 64 + (
                WORKER_PADDING if len(array) == 2 else 0
            )  # cache lines, and room between workers
            assert 0 <= array.nbytes - sizes[buffer.name] < spare * len(array)
    assert said.bytes == sum(b.bytes * b.times for b in said.buffers)


def test_the_bytes_of_a_phase_are_those_of_its_arrays() -> None:
    said = outlined("online-mlp", SGD(weight_decay=0.1), skip_zeros=False)
    update = said.phases[-1]
    assert [kernel.kernel for kernel in update.kernels] == ["optim.sgd"]
    blocks = int(update.items.split()[1])
    assert update.bytes == 2 * blocks * 2048 * 4 + 8  # W, dW and a word that says if all went well


def test_what_was_fused_is_said_of_its_layer() -> None:
    became = {layer.name: layer.becomes for layer in outlined("two-layer").layers}
    assert became["0 Normalize"] == "folded into the images"
    assert became["1 Flatten"] == "nothing to compute"
    assert became["2 Dense"].startswith("skips the pixels that are zero; ")
    dense = {layer.name: layer.becomes for layer in outlined("two-layer", skip_zeros=False).layers}
    assert dense["2 Dense"].startswith("each worker has the weights of half of the pixels; in ")
    large = {layer.name: layer.becomes for layer in outlined("online-mlp", skip_zeros=False).layers}
    assert large["1 Dense"].startswith("in phases ")


def test_a_layer_without_a_kernel_says_so_and_has_a_phase_in_python() -> None:
    net = Network([Flatten(), Dense(4), Doubled(), Dense()], (1, 5, 5), 3)
    said = hg.plan(net)
    places = [n for n, phase in enumerate(said.phases, 1) if not phase.kernels]
    assert said.layers[2].becomes == (
        "there is no kernel for it; it runs as the reference does; "
        f"in phases {places[0]}, {places[1]}"
    )
    assert [p.items for p in said.phases if not p.kernels] == [
        "the whole batch, in Python: 2 Doubled"
    ] * 2
    assert "2 Doubled  there is no kernel for it" in str(said)


def test_a_loss_without_a_kernel_is_said_at_the_head() -> None:
    said = hg.plan(Network(named("two-layer"), (1, 28, 28), 10), loss=OtherLoss())
    assert "  OtherLoss: there is no kernel for this loss" in str(said).splitlines()[:4]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_it_may_be(name: str, width: int) -> None:
    lines = outlined(name).text(width).splitlines()
    assert max(map(len, lines)) == width
    assert [line.split()[0] for line in lines if line and line[0] != " "] == [
        *("training", "layers", "phases", "buffers")
    ]


def test_each_kernel_stands_with_its_formula() -> None:
    for width in (80, 120):
        text = " ".join(outlined("two-layer", skip_zeros=False).text(width).split())
        assert "dense.forward 15 Y[o] = b[o] + Σᵢ W[o, i] X[i]" in text
        assert "optim.sgd_by_chunks dW = Σ_chunk parts[chunk] in order; W ← W − η dW" in text


def test_it_can_be_held_by_json() -> None:
    said = outlined("convnet", Adam())
    assert json.loads(json.dumps(said.plain())) == json.loads(json.dumps(asdict(said)))
    assert said.plain()["phases"][0]["kernels"][0]["kernel"] == "step.begin"


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
    with pytest.raises(ConfigError, match="works in float32, not float64"):
        hg.plan(Network(named("two-layer"), (1, 28, 28), 10, dtype=np.float64))


@pytest.mark.parametrize(("size", "words"), [(1, "1 image"), (40, "40 images")])
def test_a_plan_is_for_as_many_images_as_were_asked_for(size: int, words: str) -> None:
    made = hg.plan(Network(named("two-layer"), (1, 28, 28), 10), np.int64(size))
    assert made.images == size
    assert str(made).startswith(f"training step of {words} by ")


def test_numba_is_not_asked_for() -> None:
    program = (
        "import sys, handgrad as hg; net = hg.Network(hg.models.convnet(), (1, 28, 28), 10);"
        "str(hg.plan(net)); print({'numba', 'llvmlite'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout == "set()\n"
