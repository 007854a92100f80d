"""Every table that treats layers one by one covers every registered layer class."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec

import pytest

from handgrad.gradient_check.registry import CASES
from handgrad.layers import LAYER_CLASSES, Dense

Tables = Mapping[str, Mapping[type, object]]


def tables() -> dict[str, Mapping[type, object]]:
    """Return the tables by the files that hold them; those of missing extras are left out."""
    found: dict[str, Mapping[type, object]] = {"gradient_check/registry.py": CASES}
    if find_spec("torch"):
        from handgrad.engines.torch.modules import MODULES

        found["engines/torch/modules.py"] = MODULES
    if find_spec("onnx"):
        from handgrad.export.onnx import OPERATORS

        found["export/onnx.py"] = OPERATORS
    return found


def missing(tables: Tables) -> Iterator[str]:
    """Yield a message for each layer class that a table lacks, and each entry of no layer."""
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
    """A layer without a rule runs by its own Python code, so a rule may be missing."""
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
    assert list(missing({"x.py": dict.fromkeys([*LAYER_CLASSES.values(), int])})) == [
        "x.py: int is not a registered layer"
    ]
