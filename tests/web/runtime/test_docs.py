"""The example of the documentation runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import handgrad as hg
from handgrad.models import softmax_regression
from tests.extras import needs
from tests.web.runtime.v8 import FOLDER

PAGE = Path(__file__).parents[3] / "docs" / "javascript.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.M)


def test_the_examples_run_and_a_step_reduces_the_loss(tmp_path: Path) -> None:
    (python,), (javascript,) = blocks("python"), blocks("javascript")
    names: dict[str, str] = {}
    exec(python, names)
    path = tmp_path / "model.safetensors"
    hg.Classifier(hg.Network(softmax_regression(), (1, 28, 28), 10)).save(path)
    imports, code = javascript.split("\n", 1)
    code = f"""
        const printed = [], console = {{ log: (...values) => printed.push(values) }};
        const bytes = Uint8Array.from({list(path.read_bytes())});
        const {re.findall("{.*}", imports)[0]} = handgrad;
        {code}
        return JSON.stringify(printed);
    """
    with needs("py_mini_racer").MiniRacer() as v8:
        v8.eval(names["script"])
        printed = json.loads(v8.eval(f"(() => {{ {code} }})()"))
    assert printed == [["0 (Flatten)", [1, 784]], [[1, 1, 28, 28]], [True]]


def test_the_table_lists_every_file() -> None:
    listed = set(re.findall(r"`(\w+\.js)`", PAGE.read_text("utf-8")))
    assert listed == {path.name for path in FOLDER.glob("*.js")}
