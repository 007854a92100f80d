"""Older formats of the model file, brought to the newest one.

| format | since | what changed |
|---|---|---|
| 1 | 0.1 | |
| 2 | 0.2 | `preparation` is `preprocessing`, `initial` is `initializer`, `golden.pictures` |
|   |     | is `golden.images`, and a calibration's `pictures` is `images`; |
|   |     | the steps of a preprocessing and some of their fields have other names |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handgrad.classifier.golden_outputs import json_hash
from handgrad.layers import Array

FORMAT = 2

_FIELDS_1 = {"initial": "initializer"}
_STEPS_1 = {
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
    """Bring a description and its arrays to the newest format, in place.

    Args:
        description: the description in a model file; its "format" is a known one.
        arrays: all arrays in the file by name.
    """
    for number in range(description["format"], FORMAT):
        _UPGRADES[number](description, arrays)
    description["format"] = FORMAT


def _from_1(description: dict[str, Any], arrays: dict[str, Array]) -> None:
    steps_before = description.get("preparation")
    steps_after = _renamed_steps(steps_before)
    if "preparation" in description:
        del description["preparation"]
        description["preprocessing"] = steps_after
    description["layers"] = _renamed(description.get("layers"), _FIELDS_1)
    before = description.get("calibration")
    description["calibration"] = after = _renamed(before, {"pictures": "images"})
    if isinstance(hashes := description.get("golden"), dict):
        if "preparation" in hashes:
            hashes["preprocessing"] = hashes.pop("preparation")
        if hashes.get("preprocessing") == json_hash(steps_before):
            hashes["preprocessing"] = json_hash(steps_after)
        if hashes.get("calibration") == json_hash(before):
            hashes["calibration"] = json_hash(after)
    if "golden.pictures" in arrays:
        arrays["golden.images"] = arrays.pop("golden.pictures")


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """Return a layer's description with some of its fields renamed, inner layers included."""
    if isinstance(value, dict):
        return {names.get(name, name): _renamed(item, names) for name, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


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
