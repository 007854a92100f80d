"""The steps of CONTRIBUTING.md for adding a layer work as written, in a copy of the source tree."""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.extras import needs

ROOT = Path(__file__).parent.parent
PATCH = re.compile(
    r"<!-- patch: (\S+) ?(\S*) -->\n\s*```(?:python|javascript)\n(.*?)\n\s*```", re.DOTALL
)
TESTS = (
    *("tests/test_layer_tables.py", "tests/layers/test_layer.py", "tests/test_network.py"),
    *("tests/engines/compiled/test_engine.py", "tests/engines/torch/test_engine.py"),
    *("tests/export", "tests/classifier", "tests/web/runtime"),
)
PROGRAM = """
import numpy as np
import handgrad as hg
from handgrad.layers import Softplus

assert hg.gradcheck("Softplus").ok
train, _ = hg.load_data("digits")
layers = [hg.Flatten(), hg.Dense(9), Softplus(), hg.Dense()]
net = hg.Network(layers, train.shape, len(train.classes))
hg.fit(net, train.take(np.arange(200)), epochs=1)
assert "Softplus" in str(hg.plan(net))
"""


def patches(text: str) -> list[tuple[str, str, str]]:
    """Return file, table and code of each patch; an empty table means the end of the file."""
    return [(file, table, textwrap.dedent(code)) for file, table, code in PATCH.findall(text)]


def patched(source: str, table: str, code: str) -> str:
    """Return a file with code added to its end, or as entries of a table."""
    if not table:
        return f"{source}\n\n{code}\n"
    node = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == table
    )
    lines = source.splitlines()
    assert node.end_lineno
    lines.insert(node.end_lineno - 1, textwrap.indent(code, "    "))
    text = "\n".join(lines) + "\n"
    return text.replace("    SiLU,\n", "    SiLU,\n    Softplus,\n", 1)  # the import


def test_adding_softplus_takes_five_files() -> None:
    found = patches((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(found) == len({file for file, _, _ in found}) == 5
    for file, table, code in found:
        source = patched((ROOT / file).read_text("utf-8"), table, code)
        if file.endswith(".py"):
            ast.parse(source)


@pytest.mark.slow
def test_after_the_documented_steps_all_tests_pass(tmp_path: Path) -> None:
    needs("torch")
    needs("onnxruntime")
    needs("py_mini_racer")
    for folder in ("src", "tests", "conformance"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, table, code in patches((ROOT / "CONTRIBUTING.md").read_text("utf-8")):
        path = tmp_path / file
        path.write_text(patched(path.read_text("utf-8"), table, code), "utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "src")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    program = run("-c", PROGRAM)
    assert program.returncode == 0, program.stderr
    command = run("-m", "handgrad", "gradcheck", "Softplus")
    assert command.returncode == 0, command.stderr
    tests = run("-m", "pytest", "-q", "-x", *TESTS, "-k", "softplus or table or case or missing")
    assert tests.returncode == 0, tests.stdout
