"""A release: the wheel's contents and size, and one version everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import handgrad

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src/handgrad"
MAX_BYTES = 2_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: pip install 'handgrad[test]'")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_contains_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        path.relative_to(ROOT / "src").as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"handgrad/py.typed", "handgrad/__init__.pyi"} <= expected
    assert {name for name in names if ".dist-info/" not in name} == expected
    for outside in ("tests/", "conformance/", "benchmarks/", "docs/", "examples/"):
        assert not any(name.startswith(outside) for name in names)


def test_the_wheel_contains_every_template_and_the_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for path in PACKAGE.rglob("*.html"):
        assert path.relative_to(ROOT / "src").as_posix() in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MAX_BYTES


def test_the_wheel_declares_every_extra(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    extras = re.findall(r"^Provides-Extra: (.+)$", archive.read(metadata).decode(), re.MULTILINE)
    assert {"torch", "onnx", "tensorboard", "mlflow", "docs", "test"} <= set(extras)


def test_no_third_party_code_is_vendored() -> None:
    folders = {path.name for path in PACKAGE.rglob("*") if path.is_dir()}
    assert not folders & {"vendor", "_vendor", "vendored", "third_party", "extern"}
    assert [p.name for p in PACKAGE.rglob("*") if re.match("(?i)licen[cs]e|copying", p.name)] == []


def test_the_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [handgrad.__version__]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = re.search(r"^## (\d+\.\d+\.\d+)", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == handgrad.__version__
