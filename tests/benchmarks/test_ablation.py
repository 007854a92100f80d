"""The ablation benchmark: each switch changes the engine, and the table shows the gains."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

import handgrad as hg
from benchmarks import ablation
from benchmarks.ablation import ALL, gains, measure, rows, write
from benchmarks.document import DOCUMENT
from benchmarks.record import Record, Series
from handgrad.engines import TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.engines.compiled.ablation import MECHANISMS, VARIABLE, code_settings, is_enabled
from handgrad.engines.compiled.jit import compiler, precompile
from handgrad.engines.compiled.runtime.program import Program


def record(row: str, **rates: list[float]) -> Record:
    made = Record("ablation", row, {"row": row}, {"images_per_second": "high"})
    for name, values in rates.items():
        figures = [{"images_per_second": value} for value in values]
        made.series[name.replace("_", "-")] = Series(name, "case", figures)
    made.series[ALL] = made.series.pop("all")
    return made


def test_the_table_has_the_median_gain_and_the_spread(tmp_path) -> None:
    records = [
        record("train-convnet", all=[120.0, 100.0, 110.0], prefetch=[100.0, 100.0, 100.0]),
        record("compile-convnet", all=[1.0], second_compiler=[2.0]),
    ]
    lines = gains(records).splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[2:-1]] == [*MECHANISMS]
    assert "| train-convnet |" in lines[2]
    assert "| +10 % (+0 to +20) |" in lines[2]
    assert "| -50 % (-50 to -50) |" in lines[3]
    assert write(records, tmp_path).read_text().startswith(gains(records))


def test_a_lower_time_is_a_gain() -> None:
    made = record("compile", all=[1.0, 1.0], second_compiler=[1.5, 1.7])
    made.goals = {"images_per_second": "low"}
    assert "| +60 % (+50 to +70) |" in gains([made])


def test_every_mechanism_affects_a_row() -> None:
    used = {name for row in rows().values() for name in row.mechanisms}
    assert used == set(MECHANISMS)


def test_a_quick_run_measures_every_variant() -> None:
    pytest.importorskip("numba")
    row = rows()["train-softmax-regression"]
    assert row.task is not None
    row = replace(row, task=replace(row.task, data="digits"))
    (made,) = measure([row], ["sparse", "thread-tuner"], rounds=1, threads=2, images=300)
    assert made.skipped == {}
    assert [*made.series] == [ALL, "sparse", "thread-tuner"]
    assert gains([made]).count("%") == 2
    assert VARIABLE not in os.environ


def test_a_program_is_run_without_the_mechanism(monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(
        ablation, "compile_cold", lambda *_: seen.append(os.environ[VARIABLE]) or {"compile": 1.0}
    )
    (made,) = measure([rows()["compile-convnet"]], [], rounds=1, threads=1)
    assert seen == ["", "second-compiler"]
    assert made.of_role("case") == [ALL, "second-compiler"]
    assert VARIABLE not in os.environ


X = np.random.default_rng(0).integers(0, 256, (64, 1, 28, 28), np.uint8)
X[X < 200] = 0


def kernels(size: int) -> list[str]:
    net = hg.Network(hg.models.two_layer(), (1, 28, 28), 10)
    engine = CompiledEngine(net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.SGD(0.1)), workers=2)
    report = engine.plan_report(size, skip_zeros=True)
    return [f"{phase.items}: {k.kernel}" for phase in report.phases for k in phase.kernels]


@pytest.mark.parametrize(("mechanism", "size"), [("sparse", 64), ("split-work", 64)])
def test_a_switch_changes_the_plan(monkeypatch, mechanism: str, size: int) -> None:
    before = kernels(size)
    monkeypatch.setenv(VARIABLE, mechanism)
    assert kernels(size) != before


def test_the_batch_size_one_path_can_be_turned_off(monkeypatch) -> None:
    def plan() -> list[str]:
        net = hg.Network([hg.Flatten(), hg.Dense(30), hg.ReLU(), hg.Dense()], (1, 28, 28), 10)
        engine = CompiledEngine(net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.SGD(0.1)), workers=2)
        report = engine.plan_report(1, skip_zeros=True)
        return [kernel.kernel for phase in report.phases for kernel in phase.kernels]

    assert any(name.startswith("batch_size_one.") for name in plan())
    monkeypatch.setenv(VARIABLE, "batch-size-one")
    assert not any(name.startswith("batch_size_one.") for name in plan())


def machine_code(layers: list[hg.Layer], kernel: str) -> bytes:
    """Return the instructions of a kernel, compiled with the tile sizes of a real plan."""
    from llvmlite.binding import ObjectFileRef

    net = hg.Network(layers, (1, 28, 28), 10)
    engine = CompiledEngine(net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.SGD(0.1)))
    plan = engine.plan(64, skip_zeros=False)
    code = compiler._compile(next(c.kernel for c in plan.calls if c.kernel.name == kernel))
    sections = ObjectFileRef.from_data(code).sections()
    return b"".join(section.data() for section in sections if section.is_text())


@pytest.mark.parametrize(
    ("mechanism", "kernel"),
    [
        ("register-tiles", "dense.forward"),
        ("register-tiles", "dense.backward_input"),
        ("register-tiles", "dense.gradient"),
        ("register-tiles", "conv.forward"),
        ("prefetch", "images.gather_uint8"),
    ],
)
def test_a_switch_changes_the_machine_code(monkeypatch, mechanism: str, kernel: str) -> None:
    pytest.importorskip("numba")
    layers = hg.models.convnet() if kernel.startswith("conv.") else hg.models.two_layer()
    before = machine_code(layers, kernel)
    assert machine_code(layers, kernel) == before
    monkeypatch.setenv(VARIABLE, mechanism)
    assert machine_code(layers, kernel) != before


def test_without_the_tuner_a_run_uses_all_threads_at_once(monkeypatch) -> None:
    pytest.importorskip("numba")
    used = []

    monkeypatch.setattr(Program, "run", lambda *arguments: used.append(arguments[2]) or True)
    net = hg.Network(hg.models.two_layer(), (1, 28, 28), 10)
    for switch in ("", "thread-tuner"):
        monkeypatch.setenv(VARIABLE, switch)
        config = TrainConfig(hg.SoftmaxCrossEntropy(), hg.SGD(0.1))
        CompiledEngine(net, config, workers=3).logits(X)
    assert used == [1, 3]  # with the tuner, one worker does a run as short as this


def test_without_the_second_compiler_no_process_is_started(monkeypatch) -> None:
    started = []
    monkeypatch.setattr(precompile, "cores", lambda: 2)
    monkeypatch.setattr(precompile, "_start", lambda kernels: started.append(len(kernels)))
    for switch in ("", "second-compiler"):
        monkeypatch.setenv(VARIABLE, switch)
        with precompile.second_compiler_process([["dense.forward", []]] * 9):
            pass
    assert started == [9]


def test_the_switches_are_a_list(monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "prefetch, thread-tuner")
    assert [name for name in MECHANISMS if not is_enabled(name)] == ["thread-tuner", "prefetch"]
    assert code_settings() == [f"{VARIABLE}=prefetch"]


def test_the_document_lists_the_mechanisms() -> None:
    assert ablation.legend() in DOCUMENT.read_text()
