"""The architecture: which package may import which, no import cycles, and what stays unloaded."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

import handgrad

ROOT = Path(handgrad.__file__).parent
README = Path(__file__).parent.parent / "README.md"

# Packages and modules from the lowest layer to the highest. Each one imports only those before it;
# within a row the order counts too. Four places differ from a reading by subject:
# - `signals` stands with the helpers of the operating system, because `train` waits for a signal
#   between two steps and must not know the command line.
# - `train_config` stands before `engines`, which read it, and after `data`, because it includes the
#   augmentation; so it is a module of its own and not part of `train`.
# - `calibration` and `classifier` stand after `engines`: a classifier predicts with the fastest
#   engine, and the engines never need class names.
# - `__init__` holds the version only (its public names are resolved lazily from the stub), so that
#   `runs` and `cli` may import it.
ORDER = [
    *("errors", "posix", "random", "files", "threads", "signals", "class_names"),
    *("markdown_sections", "html", "javascript"),
    *("init", "layers", "params", "losses", "optim", "schedules"),
    *("walk", "summary", "models", "network_arguments", "network", "freeze"),
    *("pixel_values", "pixel_range", "preprocess", "data"),
    *("train_config",),
    *("engines",),
    *("calibration", "ood", "classifier", "features"),
    *("train",),
    *("prediction",),
    *("export",),
    *("gradient_check", "engine_comparison"),
    *("explain", "plots", "estimator", "tracking"),
    *("reproduce",),
    *("__init__", "runs", "automl", "web", "cli", "__main__"),
]

# The same for the packages and modules of the compiled engine.
COMPILED_ENGINE_ORDER = [
    *("ablation", "kernels", "jit", "lower", "runtime", "report"),
    *("engine", "fallback", "__init__"),
]

# Libraries that only certain packages may import.
PLACES = {
    "requests": ("data",),
    "tqdm": ("data", "train", "cli"),
    "filelock": ("data", "train"),
    "platformdirs": ("data", "engines/compiled"),
    "PIL": ("html", "preprocess", "data"),
    "pillow_heif": ("data",),
    "sklearn": ("data", "estimator"),
    "pyarrow": ("data",),
    "numba": ("engines/compiled",),
    "llvmlite": ("engines/compiled",),
    "torch": ("engines/torch", "gradient_check", "export"),
    "safetensors": ("classifier", "train"),
    "onnx": ("export",),
    "onnxruntime": ("export",),
    "matplotlib": ("plots",),
    "jinja2": ("html",),
    "joblib": ("threads",),
    "tensorboardX": ("tracking",),
    "mlflow": ("tracking",),
    "keras": ("reproduce",),
    "starlette": ("web",),
    "uvicorn": ("web",),
    "segno": ("web",),
    "py_mini_racer": ("export",),
    "pydantic": ("runs", "web"),
    "pydantic_core": ("runs",),
    "typer": ("cli",),
    "rich": ("cli",),
}

SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in ROOT.rglob("*.py")}


def module_name(path: str) -> str:
    """Return the dotted name below `handgrad` of a file; the package itself is `__init__`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports(source: str) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of every import, also inside functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((module, alias.name) for alias in node.names)


def violations(path: str, source: str) -> Iterator[str]:
    """Yield each import that breaks a rule; path is relative to the package."""
    package = path.removesuffix(".py").split("/")[0]
    allowed = ORDER[: ORDER.index(package) + 1]
    for module, name in imports(source):
        if module.startswith("."):
            yield f"{path}: write the import of {module}{name} as an absolute import"
            continue
        library, *inner = module.split(".")
        if library == "handgrad":
            other = next(iter([*inner, *([name] if name in ORDER else [])]), "__init__")
            if other not in allowed:
                yield f"{path}: {package} must not import {other}, which comes later in ORDER"
        if library in PLACES and not path.startswith(PLACES[library]):
            yield f"{path}: only {', '.join(PLACES[library])} may import {library}"


def compiled_engine_violations(path: str, source: str) -> Iterator[str]:
    """Yield each import inside the compiled engine that breaks its order."""
    folder = "engines/compiled/"
    package = path.removeprefix(folder).removesuffix(".py").split("/")[0]
    allowed = COMPILED_ENGINE_ORDER[: COMPILED_ENGINE_ORDER.index(package) + 1]
    for module, name in imports(source):
        if f"{module}.".startswith("handgrad.engines.compiled."):
            other = [*module.split(".")[3:], name][0]
            other = other if other in COMPILED_ENGINE_ORDER else "__init__"
            if other not in allowed:
                yield f"{path}: {package} must not import {other}, which comes later"


def module_graph(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Map each module to the modules of this package that it imports."""
    names = {module_name(path) for path in sources}
    graph: dict[str, set[str]] = {}
    for path, source in sources.items():
        targets = set()
        for module, name in imports(source):
            library, _, inner = module.partition(".")
            if library == "handgrad":
                submodule = f"{inner}.{name}".strip(".")
                targets.add(submodule if submodule in names else inner or "__init__")
        graph[module_name(path)] = (targets & names) - {module_name(path)}
    return graph


def package_graph(modules: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Merge the modules of each top-level package into one node."""
    graph: dict[str, set[str]] = {}
    for module, targets in modules.items():
        package = module.split(".")[0]
        graph.setdefault(package, set()).update({t.split(".")[0] for t in targets} - {package})
    return graph


def cycles(graph: Mapping[str, Iterable[str]]) -> list[set[str]]:
    """Find the strongly connected components with more than one node (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(graph.get(node, ())):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            place = stack.index(node)
            component = set(stack[place:])
            del stack[place:]
            if len(component) > 1:
                found.append(component)

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


@pytest.mark.parametrize("path", sorted(SOURCES))
def test_a_package_imports_only_packages_above_it(path: str) -> None:
    assert list(violations(path, SOURCES[path])) == []


def test_the_order_lists_every_package_and_no_other() -> None:
    assert sorted({path.removesuffix(".py").split("/")[0] for path in SOURCES}) == sorted(ORDER)


def test_the_table_of_the_readme_has_the_same_order() -> None:
    table = README.read_text().split("## Source layout")[1].split("\n\n")[1]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    listed = [name.rstrip("/") for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert listed == [name for name in ORDER if not name.startswith("__")]


@pytest.mark.parametrize("path", sorted(p for p in SOURCES if p.startswith("engines/compiled/")))
def test_the_compiled_engine_imports_only_packages_above(path: str) -> None:
    assert list(compiled_engine_violations(path, SOURCES[path])) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("kernels/dense.py", "from handgrad.engines.compiled.runtime.program import Program"),
        ("lower/step.py", "from handgrad.engines.compiled import runtime"),
        ("lower/step.py", "import handgrad.engines.compiled.runtime.program"),
        ("jit/compiler.py", "def f():\n    from handgrad.engines.compiled.lower import plan"),
        ("runtime/program.py", "from handgrad.engines.compiled import CompiledEngine"),
    ],
)
def test_a_forbidden_import_in_the_compiled_engine_is_found(path: str, source: str) -> None:
    assert list(compiled_engine_violations(f"engines/compiled/{path}", source))


def test_there_is_no_import_cycle_between_modules() -> None:
    assert cycles(module_graph(SOURCES)) == []


def test_there_is_no_import_cycle_between_packages() -> None:
    assert cycles(package_graph(module_graph(SOURCES))) == []


@pytest.mark.parametrize(
    "back",
    [
        "from handgrad.layers.chain import Chain",
        "from handgrad.layers import chain",
        "def f():\n    from handgrad.layers.chain import Chain",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import handgrad.layers.chain",
    ],
)
def test_a_planted_cycle_is_found(back: str) -> None:
    sources = {
        "layers/__init__.py": "",
        "layers/chain.py": "from handgrad.layers.layer import Layer",
        "layers/layer.py": "from handgrad.layers.shape import Shape",
        "layers/shape.py": back,
        "losses.py": "from handgrad.layers import chain",
    }
    assert cycles(module_graph(sources)) == [{"layers.chain", "layers.layer", "layers.shape"}]


def test_a_planted_cycle_between_packages_is_found() -> None:
    sources = {
        "data/split.py": "from handgrad.train.loop import fit",
        "data/dataset.py": "",
        "train/loop.py": "import handgrad.data.dataset",
    }
    assert cycles(module_graph(sources)) == []
    assert cycles(package_graph(module_graph(sources))) == [{"data", "train"}]


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
        ("runs/run.py", "from rich.console import Console"),
    ],
)
def test_a_forbidden_import_is_found(path: str, source: str) -> None:
    assert list(violations(path, source))


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
def test_heavy_libraries_are_loaded_only_when_they_are_used(program: str, heavy: set[str]) -> None:
    heavy |= {"torch", "numba", "llvmlite", "matplotlib", "sklearn"}
    program += f"\nimport sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
