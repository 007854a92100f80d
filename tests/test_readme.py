"""The README's examples and commands work as shown."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from handgrad.cli.app import app
from handgrad.data import load_data

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.strip().split("  #")[0]
    for line in re.findall(r"^    (handgrad .*)$", README, re.MULTILINE)
]


def test_python_examples_run_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    train, _ = load_data("digits")
    names: dict[str, Any] = {"my_images": train.images[:300, 0]}
    names["my_labels"] = train.labels[:300].astype(str)
    for block in BLOCKS:
        exec(block, names)
    assert len(BLOCKS) == 6
    assert Path("digits.safetensors").exists()
    assert Path("mine.safetensors").exists()
    assert (names["model"].predict(names["my_images"]) == names["my_labels"]).sum() > 200


def test_the_custom_layer_works_in_a_network() -> None:
    import handgrad as hg

    names: dict[str, Any] = {}
    exec(next(block for block in BLOCKS if "class Softplus" in block), names)
    layers = [hg.Flatten(), hg.Dense(16), names["Softplus"](), hg.Dense()]
    train, _ = load_data("digits")
    net = hg.Network(layers, shape=train.shape, classes=10, seed=0)
    loss, gradients = net.loss_and_grads(*train[:64])
    assert 1 < loss < 5
    assert set(gradients) == set(net.parameters)


def _command(words: list[str]) -> Any:
    """Return the command that a command line calls."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if word not in getattr(command, "commands", {}):
            break
        command = command.commands[word]
    return command


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_line_of_the_readme_can_be_parsed(line: str) -> None:
    words = shlex.split(line)[1:]
    command = _command(words)
    depth = 2 if words[0] == "data" else 1
    with command.make_context(command.name, words[depth:], resilient_parsing=True) as context:
        assert not context.args
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_the_table_lists_every_command() -> None:
    listed = re.findall(r"^\| `handgrad ([\w-]+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(_command([]).commands)


def test_the_table_of_packages_names_every_package() -> None:
    table = README.split("## Source layout")[1].split("##")[0]
    named = {name.rstrip("/") for name in re.findall(r"`([\w/]+)`", table)}
    packages = {p.parent.name for p in (ROOT / "src/handgrad").glob("*/__init__.py")}
    assert packages <= named


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_continuous_integration_runs_the_commands_of_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text()
    assert '.venv/bin/pip install -q -c constraints.txt ".[test]"' in README
    assert 'pip install --quiet -c constraints.txt ".[test' in script
    assert ".venv/bin/python -m pytest -n 2" in README
    assert "python -m pytest -n 2" in script
