"""The cache key changes with every source that a kernel imports, and with no other source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import handgrad
from handgrad.engines.compiled import ablation
from handgrad.engines.compiled.jit.cache_key import (
    _import_statements,
    cache_key,
    kernel_sources,
    sources_digest,
)

PACKAGE = Path(handgrad.__file__).parent


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Write a small package with the folders of the compiled engine."""
    sources = {
        "__init__.py": "",
        "engines/compiled/kernels/__init__.py": "",
        "engines/compiled/kernels/dense.py": (
            "from handgrad.engines.compiled.kernels.vector import (\n    add,\n    mul,\n)\n"
            "from handgrad.engines.compiled.runtime import state\n"
            "def forward():\n    import handgrad.data.grid\n    from ...nearby import one\n"
        ),
        "engines/compiled/kernels/vector.py": "import numpy",
        "engines/compiled/runtime/__init__.py": "",
        "engines/compiled/runtime/state.py": "from handgrad.shapes import pair",
        "engines/compiled/runtime/program.py": "from ..kernels import dense",
        "engines/compiled/jit/compiler.py": "import handgrad.errors",
        "engines/compiled/jit/libraries.py": "",
        "engines/nearby.py": "one = 1",
        "data/grid.py": '"""Prose:\n\nfrom handgrad comes this line.\n"""',
        "shapes.py": "import sys",
        "errors.py": "",
        "losses.py": "",
    }
    root = tmp_path / "handgrad"
    for name, text in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


IMPORTED = [
    "engines/compiled/kernels/dense.py",
    "engines/compiled/kernels/vector.py",
    "engines/compiled/runtime/state.py",
    "engines/compiled/jit/compiler.py",
    "engines/nearby.py",
    "data/grid.py",
    "shapes.py",
]
OTHERS = ["engines/compiled/runtime/program.py", "losses.py", "errors.py"]


@pytest.mark.parametrize("name", IMPORTED)
def test_a_change_of_an_imported_file_changes_the_digest(name: str, package: Path) -> None:
    before = sources_digest(package)
    (package / name).write_text((package / name).read_text() + "\n")
    assert sources_digest(package) != before


@pytest.mark.parametrize("name", OTHERS)
def test_a_change_of_another_file_does_not_change_the_digest(name: str, package: Path) -> None:
    before = sources_digest(package)
    (package / name).write_text((package / name).read_text() + "\n")
    assert sources_digest(package) == before


def test_a_new_import_is_followed(package: Path) -> None:
    vector = package / "engines/compiled/kernels/vector.py"
    vector.write_text("from handgrad import losses")
    before = sources_digest(package)
    (package / "losses.py").write_text("changed = True")
    assert sources_digest(package) != before


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            text = ast.unparse(node)
            if "handgrad" in text or (isinstance(node, ast.ImportFrom) and node.level):
                yield text


def test_the_fast_search_finds_every_import_of_the_package() -> None:
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text("utf-8")
        found = {ast.unparse(node) for node in _import_statements(source)}
        assert found >= {*imports(source)}, path


def test_the_sources_of_the_package_include_what_kernels_import() -> None:
    names = {path.relative_to(PACKAGE).as_posix() for path in kernel_sources(PACKAGE)}
    assert {
        "engines/compiled/kernels/dense.py",
        "engines/compiled/kernels/step_state.py",
        "data/augment/layout.py",
    } <= names
    assert not {"engines/compiled/engine.py", "train/loop.py"} & names


def test_kernels_do_not_depend_on_the_layers_or_other_parts_of_the_package() -> None:
    names = {path.relative_to(PACKAGE).as_posix() for path in kernel_sources(PACKAGE)}
    others = {name for name in names if not name.startswith("engines/compiled/kernels/")}
    assert others == {
        *("engines/compiled/jit/compiler.py", "engines/compiled/jit/libraries.py"),
        "data/augment/layout.py",
    }


def test_a_switch_that_changes_machine_code_changes_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = []
    for switch in ("", "prefetch", "register-tiles", "sparse"):
        monkeypatch.setenv(ablation.VARIABLE, switch)
        cache_key.cache_clear()
        keys.append(cache_key())
    cache_key.cache_clear()
    assert len(set(keys)) == 3
    assert keys[0] == keys[3]
