"""What makes a run the run it is: it can go on as the same only with the same."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from handgrad.data import Dataset
from handgrad.engines import Engine
from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.train.config import Recipe

# A run is never the same after these, so that going on with others has no meaning; and images
# that were learned from must not become those to judge by.
FIXED = ("seed", "batch_size", "training images", "validation images")
_FREE = ("on_divergence",)


def identity(
    recipe: Recipe,
    engine: Engine,
    train: Dataset,
    validation: Dataset | None,
    weights: Array | None = None,
) -> dict[str, str]:
    """Return in words all that a run's numbers follow from."""
    settings = {
        field.name: repr(getattr(recipe, field.name))
        for field in dataclasses.fields(recipe)
        if field.name not in _FREE
    }
    settings["engine"] = type(engine).__name__
    if isinstance(recipe.engine, partial):
        settings["engine"] += str(recipe.engine.keywords)
    settings["training images"] = train.digest()
    settings["validation images"] = validation.digest() if validation else "none"
    settings["weights"] = "none"
    if weights is not None:
        settings["weights"] = hashlib.sha256(weights.tobytes()).hexdigest()[:16]
    return settings


def check_identity(
    was: Mapping[str, Any], now: Mapping[str, str], folder: Path, *, other_settings: bool
) -> None:
    """Raise a ConfigError that says in what a run differs from the one that was begun.

    Args:
        was: what `identity` said at the beginning.
        now: what it says now.
        folder: where the checkpoints lie.
        other_settings: whether what may differ, may.
    """
    # A run that was begun before there was a setting was begun with what it does when left alone.
    was = {field.name: repr(field.default) for field in dataclasses.fields(Recipe)} | dict(was)
    others = [name for name, value in now.items() if was.get(name) != value]
    for name in FIXED:
        if name in others:
            what = "are others" if name.endswith("images") else f"is not {was.get(name)}"
            raise ConfigError(
                f"{folder}: {name} {what} any more, and cannot be changed in a run that was "
                "begun; begin a new one in another folder"
            )
    if others and not other_settings:
        told = ", ".join(f"{name} {was.get(name)} and not {now[name]}" for name in others)
        raise ConfigError(
            f"{folder}: the run was begun with {told}; give it the same, or allow it others "
            "(--force-settings, in Python Checkpoints(..., other_settings=True))"
        )
