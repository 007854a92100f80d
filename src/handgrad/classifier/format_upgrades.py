"""Upgrades from older formats of the model file to the newest format.

| format | since | what changed |
|---|---|---|
| 1 | 0.1 | |
| 2 | 0.2 | new names for keys, layers, preprocessing steps and their fields: see the |
|   |     | tables below |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handgrad.classifier.golden_outputs import hash_json
from handgrad.layers import Array

FORMAT = 2

_FIELDS_1 = {"initial": "initializer"}
_KINDS_1 = {"Chain": "Sequential"}
# The new name of each preprocessing step, and of its fields.
_STEPS_1: dict[str, tuple[str, dict[str, str]]] = {
    "OnGround": ("CompositeAlpha", {"ground": "background"}),
    "Grey": ("Grayscale", {}),
    "Colours": ("GrayToRGB", {}),
    "OwnSize": ("UndoUpscale", {}),
    "Shrink": ("Downscale", {}),
    "Resize": ("Resize", {"keep": "keep_aspect"}),
    "LightInk": ("InvertDarkInk", {}),
    "EvenPaper": ("SubtractBackground", {"grain": "max_noise"}),
    "TwoTones": ("Binarize", {"least": "min_side"}),
    "Grow": ("Upscale", {"below": "min_side"}),
    "FitInk": ("ScaleToFit", {}),
    "FullInk": ("StretchContrast", {}),
    "CentreOfMass": ("CenterByMass", {}),
}


def upgrade(description: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Upgrade a description and its arrays to the newest format, in place.

    Args:
        description: the description in a model file, whose "format" is a known number.
        arrays: all arrays in the file by name.
    """
    for number in range(description["format"], FORMAT):
        _UPGRADES[number](description, arrays)
    description["format"] = FORMAT


def _from_1(description: dict[str, Any], arrays: dict[str, Array]) -> None:
    for old, new in {"preparation": "preprocessing", "measured": "is_fitted"}.items():
        if old in description:
            description[new] = description.pop(old)
    description["layers"] = _renamed(description.get("layers"), _FIELDS_1, _KINDS_1)
    hashes = description.get("golden")
    if isinstance(hashes, dict) and "preparation" in hashes:
        hashes["preprocessing"] = hashes.pop("preparation")
    for part, renamed in (("preprocessing", _renamed_steps), ("calibration", _renamed_counts)):
        before = description.get(part)
        description[part] = after = renamed(before)
        if isinstance(hashes, dict) and hashes.get(part) == hash_json(before):
            hashes[part] = hash_json(after)
    if "golden.pictures" in arrays:
        arrays["golden.images"] = arrays.pop("golden.pictures")


def _renamed(value: Any, fields: Mapping[str, str], kinds: Mapping[str, str]) -> Any:
    """Return a description with some fields and kinds renamed, including nested ones."""
    if isinstance(value, dict):
        renamed = {fields.get(k, k): _renamed(item, fields, kinds) for k, item in value.items()}
        if isinstance(kind := renamed.get("kind"), str):
            renamed["kind"] = kinds.get(kind, kind)
        return renamed
    return [_renamed(item, fields, kinds) for item in value] if isinstance(value, list) else value


def _renamed_counts(calibration: Any) -> Any:
    """Return the description of a calibration with its fields renamed."""
    return _renamed(calibration, {"pictures": "images"}, {})


def _renamed_steps(preprocessing: Any) -> Any:
    """Return the description of a preprocessing with its steps and their fields renamed."""
    if not isinstance(preprocessing, dict) or not isinstance(preprocessing.get("steps"), list):
        return preprocessing
    steps = []
    for step in preprocessing["steps"]:
        if isinstance(step, dict) and isinstance(step.get("kind"), str):
            kind, fields = _STEPS_1.get(step["kind"], (step["kind"], {}))
            step = {fields.get(name, name): value for name, value in step.items()} | {"kind": kind}
        steps.append(step)
    return {**preprocessing, "steps": steps}


_UPGRADES: dict[int, Callable[[dict[str, Any], dict[str, Array]], None]] = {1: _from_1}
