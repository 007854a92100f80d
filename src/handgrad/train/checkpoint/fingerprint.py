"""The fingerprint of a run: its settings and hashes of its data, which are compared on resuming."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.data import Dataset
from handgrad.data.old_digests import is_digest_of_unscaled, unscaled_before, was_scaled
from handgrad.engines import Engine
from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.train_config import TrainConfig, settings_with

# These can never change: validation images must not be images that the network was trained on.
FIXED = (*settings_with("fixed"), "training images", "validation images")
PIXEL_RANGE = "pixel range"  # is not compared; the oldest runs have none


def run_fingerprint(
    config: TrainConfig,
    engine: Engine,
    train: Dataset,
    validation: Dataset | None,
    weights: Array | None = None,
) -> dict[str, str]:
    """Return the settings and data hashes that determine a run's results, as a dict of strings."""
    free = settings_with("free")
    fingerprint = {
        field.name: repr(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if field.name not in free
    }
    fingerprint["engine"] = type(engine).__name__
    if isinstance(config.engine, partial):
        fingerprint["engine"] += str(config.engine.keywords)
    fingerprint["training images"] = train.digest()
    fingerprint["validation images"] = validation.digest() if validation else "none"
    fingerprint[PIXEL_RANGE] = str(train.pixel_range)
    fingerprint["weights"] = "none"
    if weights is not None:
        fingerprint["weights"] = hashlib.sha256(weights.tobytes()).hexdigest()[:16]
    return fingerprint


def check_fingerprint(
    was: Mapping[str, Any],
    now: Mapping[str, str],
    folder: Path,
    train: Dataset,
    *,
    allow_changes: bool,
) -> None:
    """Raise a ConfigError if settings have changed that must not change when a run is resumed.

    Args:
        was: the fingerprint at the start of the run.
        now: the current fingerprint.
        folder: the folder of the checkpoints.
        train: the current training images.
        allow_changes: whether to allow changes of every setting that may change on resuming.
    """
    # A setting that is younger than the checkpoint had its default value.
    was = {field.name: repr(field.default) for field in dataclasses.fields(TrainConfig)} | dict(was)
    changed = [n for n, value in now.items() if n != PIXEL_RANGE and was.get(n) != value]
    for name in FIXED:
        if name in changed:
            if name == "training images" and _was_unscaled(was, train):
                raise ConfigError(
                    f"{folder}: cannot resume: {unscaled_before(train)}. Start a new run in "
                    "another folder."
                )
            change = "are different" if name.endswith("images") else _change(name, was, now)
            name = f"the {name}" if name.endswith("images") else name
            raise ConfigError(
                f"{folder}: cannot resume: {name} {change}. Start a new run in another folder."
            )
    if changed and not allow_changes:
        changes = ", ".join(f"{name} {_change(name, was, now)}" for name in changed)
        raise ConfigError(
            f"{folder}: cannot resume: {changes}. Use the same settings, or allow changes "
            "(--force-settings; in Python, CheckpointConfig(..., allow_changes=True))."
        )


def _was_unscaled(was: Mapping[str, Any], train: Dataset) -> bool:
    """Return whether a run is so old that its images, which are scaled now, were not scaled.

    Floating-point images that were scaled had values that are no whole numbers, so that their old
    digest is unknown; it is never the same as now.
    """
    if PIXEL_RANGE in was or not was_scaled(train):
        return False
    return train.images.dtype != np.uint8 or is_digest_of_unscaled(
        was.get("training images"), train
    )


def _change(name: str, was: Mapping[str, Any], now: Mapping[str, str]) -> str:
    return f"was {was.get(name)} and is now {now[name]}"
