"""Every table with an entry per layer class covers all registered layer classes."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec

import pytest

from handgrad.export.c.layers import LAYERS
from handgrad.gradient_check.registry import CASES
from handgrad.layers import LAYER_CLASSES, Dense

Tables = Mapping[str, Mapping[type, object]]


def tables() -> dict[str, Mapping[type, object]]:
    """Return each table by the name of its file, except those of extras that are not installed."""
    found: dict[str, Mapping[type, object]] = {
        "gradient_check/registry.py": CASES,
        "export/c/layers.py": LAYERS,
    }
    if find_spec("torch"):
        from handgrad.engines.torch.modules import MODULES

        found["engines/torch/modules.py"] = MODULES
    if find_spec("onnx"):
        from handgrad.export.onnx import OPERATORS

        found["export/onnx.py"] = OPERATORS
    if find_spec("py_mini_racer"):
        from tests.web.runtime.v8 import runtime

        names = runtime().eval("Object.keys(handgrad.LAYERS).join()").split(",")
        classes = {name: LAYER_CLASSES.get(name) or type(name, (), {}) for name in names}
        found["web/runtime/registry.js"] = {cls: name for name, cls in classes.items()}
    return found


def missing(tables: Tables) -> Iterator[str]:
    """Yield a message per layer class without an entry and per entry without a layer class."""
    for file, table in tables.items():
        for name, cls in LAYER_CLASSES.items():
            if cls not in table:
                yield f"{name}: no entry in {file}"
        for cls in table:
            if cls not in LAYER_CLASSES.values():
                yield f"{file}: {cls.__name__} is not a registered layer"


def test_every_table_covers_every_layer_class() -> None:
    assert len(LAYER_CLASSES) >= 17
    assert list(missing(tables())) == []


def test_the_compiled_engine_has_rules_for_registered_layers_only() -> None:
    """A layer without a rule runs its own Python code, so not every layer needs a rule."""
    pytest.importorskip("numba")
    from handgrad.engines.compiled.lower import LOWERING_RULES

    assert {cls for cls in LOWERING_RULES if cls is not None} <= {*LAYER_CLASSES.values()}


def test_cases_are_listed_under_their_class() -> None:
    for cls, targets in CASES.items():
        assert targets, cls
        assert {type(target.layer) for target in targets} == {cls}


def test_a_missing_entry_is_named() -> None:
    table = {cls: None for cls in LAYER_CLASSES.values() if cls is not Dense}
    assert list(missing({"export/onnx.py": table})) == ["Dense: no entry in export/onnx.py"]
    found = list(missing({"web/runtime/registry.js": table}))
    assert found == ["Dense: no entry in web/runtime/registry.js"]
    assert list(missing({"x.py": dict.fromkeys([*LAYER_CLASSES.values(), int])})) == [
        "x.py: int is not a registered layer"
    ]
