"""The house rules: who may import whom, and what `import handgrad` leaves alone."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import handgrad

ROOT = Path(handgrad.__file__).parent

# Each room imports only rooms that stand before it. The package's own face, __init__, names what
# it has in a stub; the rooms after it may ask it for the version.
ROOMS = [
    *(
        "errors",
        "posix",
        "class_names",
        "files",
        "threads",
        "html",
        "random",
        "preprocess",
        "init",
        "layers",
        "params",
    ),
    *("losses", "signals", "calibration", "optim", "schedules", "markdown_sections"),
    *("summary", "assembly", "network", "models", "data", "engines", "train", "classifier"),
    *("export", "tracking", "gradcheck", "compare_engines", "explain", "plots"),
    *("estimator", "reproduce"),
    *("__init__", "runs", "automl", "cli", "__main__"),
]

# Libraries that have a place, and those places.
PLACES = {
    "requests": ("data",),
    "tqdm": ("data", "train"),
    "filelock": ("data", "train"),
    "platformdirs": ("data", "engines/compiled"),
    "PIL": ("preprocess", "data", "html"),
    "sklearn": ("data", "estimator"),
    "numba": ("engines/compiled",),
    "llvmlite": ("engines/compiled",),
    "torch": ("engines/torch", "gradient_check", "export"),
    "safetensors": ("classifier", "train"),
    "onnx": ("export",),
    "onnxruntime": ("export",),
    "matplotlib": ("plots",),
    "tensorboardX": ("tracking",),
    "mlflow": ("tracking",),
    "keras": ("reproduce",),
    "jinja2": ("html",),
    "markupsafe": ("html",),
    "pydantic": ("runs",),
    "pydantic_core": ("runs",),
    "typer": ("cli",),
    "rich": ("cli",),
}


# The one way back: what people look for on the network itself is imported when it is called.
BACK: set[tuple[str, str]] = set()


def imports(source: str) -> Iterator[str]:
    """Yield the full names of all modules that a source imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{a.name}" for a in node.names)


def faults(path: str, source: str) -> Iterator[str]:
    """Yield each import that breaks a rule; path is the file's, inside the package."""
    place = ROOMS.index(path.removesuffix(".py").split("/")[0])
    for name in imports(source):
        library, other, *_ = [*name.split("."), "__init__"]
        if not library:
            yield f"{path}: write the import of {name} in full"
        below = other in ROOMS[place + 1 :] and (path, other) not in BACK
        if library == "handgrad" and below:
            yield f"{path} stands above {other} and imports it"
        if library in PLACES and not path.startswith(PLACES[library]):
            yield f"{path} is no place for {library}"


SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES)
def test_each_room_imports_only_rooms_above_it(path: str) -> None:
    assert list(faults(path, (ROOT / path).read_text())) == []


def test_every_room_has_its_place_in_the_list() -> None:
    assert {path.removesuffix(".py").split("/")[0] for path in SOURCES} <= {*ROOMS}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("layers/dense.py", "from handgrad.network import Network"),
        ("layers/dense.py", "from handgrad import network"),
        ("layers/dense.py", "import handgrad"),
        ("network.py", "def f():\n    import handgrad.train.loop"),
        ("network.py", "from .layers import Dense"),
        ("train/loop.py", "import torch.nn"),
        ("network.py", "def f():\n    from matplotlib import pyplot"),
        ("engines/reference.py", "import numba"),
        ("network.py", "import safetensors.numpy"),
        ("runs.py", "from rich.console import Console"),
    ],
)
def test_the_rule_can_be_broken(path: str, source: str) -> None:
    assert list(faults(path, source))


@pytest.mark.parametrize(
    ("program", "heavy"),
    [
        ("import handgrad", {"typer", "rich", "pydantic", "PIL", "requests"}),
        ("import handgrad as hg; hg.Network; hg.fit", {"typer", "rich", "PIL", "requests"}),
        (
            "import sys; sys.argv = ['handgrad', '--help']; from handgrad.cli import main\n"
            "try: main()\n"
            "except SystemExit: pass",
            {"numpy", "pydantic", "PIL", "requests"},
        ),
    ],
)
def test_heavy_libraries_are_loaded_when_they_are_used(program: str, heavy: set[str]) -> None:
    heavy |= {"torch", "numba", "llvmlite", "matplotlib", "sklearn"}
    program += f"\nimport sys; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1] == "[]"
