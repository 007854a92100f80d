"""Both engines reach the same accuracy; an engine that trains differently is detected."""

import dataclasses

import pytest

import handgrad as hg
from conformance.accuracy_parity import TASKS, Comparison, Task, compare
from conformance.accuracy_parity import __main__ as command
from handgrad.engines import ReferenceEngine
from handgrad.errors import ConfigError
from tests.extras import without

needs_torch = without("torch")

FEW = Task("smallnet", "digits", 50, hg.SGD(0.1), epochs=1, images=400)
train, test = hg.load_data("digits")


@needs_torch
def test_torch_reaches_our_accuracy() -> None:
    runs = []
    found = compare(FEW, train, test, seeds=3, engine="reference", on_run=lambda: runs.append(1))
    assert found.ok
    assert found.difference <= 0.005
    assert 0.01 < found.spread < 0.2
    assert len(runs) == 6
    assert 0.2 < min(found.ours) < max(found.ours) < 1


def test_an_engine_that_trains_differently_is_detected() -> None:
    def slow(net, rules):
        optimizer = dataclasses.replace(rules.optimizer, weight_decay=3.0)
        return ReferenceEngine(net, dataclasses.replace(rules, optimizer=optimizer))

    found = compare(FEW, train, test, seeds=3, engine="reference", other=slow)
    assert not found.ok
    assert compare(FEW, train, test, seeds=2, engine="reference", other="reference").difference == 0


def test_one_seed_has_no_spread() -> None:
    with pytest.raises(ConfigError, match="seeds must be at least 2, not 1"):
        compare(FEW, train, test, seeds=1)


def test_the_difference_is_compared_with_the_spread() -> None:
    assert Comparison((0.90, 0.92), (0.92, 0.92)).ok
    assert not Comparison((0.90, 0.92), (0.92, 0.94)).ok
    assert not Comparison((0.90, 0.90), (0.91, 0.91)).ok


def test_the_five_networks_of_the_notebooks_are_trained() -> None:
    assert list(TASKS) == list(hg.models.MODELS)[:5]


@needs_torch
def test_a_document_keeps_the_rows_of_networks_that_were_not_trained(
    monkeypatch, tmp_path, capsys
) -> None:
    path = tmp_path / "proof.md"
    accuracies = {"convnet": Comparison((0.9, 0.92), (0.9, 0.91))}
    monkeypatch.setattr(command, "_compared", accuracies.__getitem__)
    assert command.main(["convnet", "--write", str(path)]) == 0
    accuracies["two-layer"] = Comparison((0.8, 0.8), (0.9, 0.9))
    assert command.main(["two-layer", "--write", str(path)]) == 1
    rows = [line for line in path.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert rows == [
        "| `two-layer` | mnist, all images, 2 epochs, batches of 64, SGD(0.1) "
        "| 80.00% ± 0.00% | 90.00% ± 0.00% | 10.000% | no |",
        "| `convnet` | mnist, 10,000 images, 1 epoch, batches of 100, Adam(0.001) "
        "| 91.00% ± 1.41% | 90.50% ± 0.71% | 0.500% | yes |",
    ]
    assert command.main(["two-layer"]) == 1
    assert capsys.readouterr().out.startswith("## Accuracy parity with PyTorch")


@needs_torch
def test_an_unknown_task_is_refused(capsys) -> None:
    assert command.main(["lenet5"]) == 1
    assert "error: unknown network 'lenet5'; choose one of" in capsys.readouterr().err


@needs_torch
@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize("name", TASKS)
def test_the_notebooks_networks_reach_the_same_accuracy(name, located) -> None:
    """Run `pytest -m slow tests/conformance/test_accuracy_parity.py`; it takes two minutes."""
    task = TASKS[name]
    found = compare(task, *hg.load_data(task.data, located(task.data)))
    assert found.ok, found
