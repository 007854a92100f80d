"""What the README shows is so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import handgrad as hg
from handgrad.data import load_data

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.mnist
def test_the_python_side(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, located: Callable[[str], Path]
) -> None:
    located("mnist")

    def few(name: str) -> tuple[hg.Dataset, hg.Dataset]:
        train, test = load_data(name)
        return train.take(range(500)), test.take(range(500))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hg, "load_data", few)
    names: dict[str, Any] = {}
    train, _ = load_data("digits")
    names |= {"my_images": train.images[:300, 0], "my_labels": train.labels[:300].astype(str)}
    for block in BLOCKS:
        exec(block, names)
    assert len(BLOCKS) == 6
    assert Path("mine.safetensors").exists()
    assert sum(names["net"].predict(names["my_images"]) == names["my_labels"]) > 200


def test_the_script_for_merges_does_what_the_readme_says() -> None:
    script = (Path(__file__).parent.parent / ".ci/run").read_text()
    assert '.venv/bin/pip install -q -c constraints.txt ".[test]"' in README
    assert 'pip install --quiet -c constraints.txt ".[test]"' in script
    assert ".venv/bin/python -m pytest" in README
    assert "python -m pytest" in script
