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


def test_the_switches_are_a_list(monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "prefetch, thread-tuner")
    assert [name for name in MECHANISMS if not is_enabled(name)] == ["thread-tuner", "prefetch"]
    assert code_settings() == [f"{VARIABLE}=prefetch"]


def test_the_document_lists_the_mechanisms() -> None:
    assert ablation.legend() in DOCUMENT.read_text()
