"""The candidates of a search, which differ in network, training settings and preprocessing."""

from __future__ import annotations

from typing import Any

from handgrad.automl.data_profile import DataProfile
from handgrad.data import Dataset
from handgrad.data.augment import Augmentation
from handgrad.errors import ModelError
from handgrad.preprocess import CenterByMass
from handgrad.runs.config import RunConfig

MIN_BACKGROUND = 0.4  # the share of background pixels in images of an object on a background

# The most promising first. The learning rates are the maximum of one cycle with AdamW.
NETWORKS = (
    ("smallnet", 0.01),
    ("convnet", 0.003),
    ("fashion-mlp", 0.01),
    ("smallnet", 0.003),
    ("lenet5", 0.003),
    ("online-mlp", 0.003),
    ("convnet", 0.01),
    ("two-layer", 0.01),
    ("softmax-regression", 0.01),
)

# By their descriptions. The first is the mildest.
SHIFTED = "shifted"
AUGMENTATIONS = {
    SHIFTED: "shift=0.07",
    "shifted and mirrored": "fashion",
    "shifted, scaled and mirrored": "fashion,scale=0.1",
    "distorted": "light",
}
EXTEND_EDGES = ",fill=edge"
LONG_EPOCH = 200  # updates


def networks(base: RunConfig, train: Dataset) -> list[RunConfig]:
    """Return the built-in networks that accept the images, each with several learning rates."""
    candidates = [with_settings(base, model=model, lr=lr) for model, lr in NETWORKS]
    return [config for config in candidates if _accepts(config, train)]


def preprocessings(config: RunConfig, train: Dataset, profile: DataProfile) -> list[RunConfig]:
    """Return copies of the configuration with other preprocessings that may suit the images.

    The list is empty unless the data are images of objects on a background, and are not prepared
    like MNIST already. Colour images are only tried as drawings.
    """
    C, H, W = train.shape
    steps = train.preprocessing.steps if train.preprocessing else ()
    is_drawing = any(isinstance(step, CenterByMass) for step in steps)
    if not profile.can_preprocess or is_drawing or profile.background < MIN_BACKGROUND:
        return []
    names = ("light", "drawing") if C == 1 else ("drawing",)
    return [with_settings(config, preprocessing=name, size=max(H, W)) for name in names]


def with_shift(config: RunConfig, profile: DataProfile) -> RunConfig:
    """Return the configuration with the mildest augmentation added."""
    return with_settings(config, augment=_fill_edges(AUGMENTATIONS[SHIFTED], profile))


def augmentations(config: RunConfig, profile: DataProfile) -> list[RunConfig]:
    """Return one copy of the configuration for each other augmentation, and one without any."""
    texts = ["none", *(_fill_edges(text, profile) for text in AUGMENTATIONS.values())]
    candidates = [with_settings(config, augment=text) for text in texts]
    return [other for other in candidates if other.augment != config.augment]


def weight_averaging(config: RunConfig, train: Dataset) -> list[RunConfig]:
    """Return [a copy of the configuration that averages weights], or [] if this is too slow.

    After each epoch, batch norm needs a few updates to adapt to the averaged weights. If epochs are
    short, these updates would take a large fraction of the training time.
    """
    is_long = len(train) > LONG_EPOCH * config.batch_size
    return [with_settings(config, average_weights=1)] if is_long else []


def with_settings(config: RunConfig, **changes: Any) -> RunConfig:
    """Return a validated copy of a configuration with some settings replaced."""
    return RunConfig.model_validate({**config.model_dump(exclude_none=True), **changes})


def describe(config: RunConfig) -> str:
    """Describe a candidate by the settings that differ between candidates."""
    parts = [config.model, f"learning rate {config.lr:g}"]
    if config.preprocessing is not None:
        parts.append(f"preprocessing {config.preprocessing}")
    if config.augment != "none":
        parts.append(f"images {describe_augmentation(config)}")
    if config.average_weights:
        parts.append("weight averaging")
    return ", ".join(parts)


def describe_augmentation(config: RunConfig) -> str:
    """Describe the augmentation: "unchanged", a name in `AUGMENTATIONS`, or the settings."""
    names = {
        str(Augmentation.of(f"{text}{edges}")): name
        for name, text in AUGMENTATIONS.items()
        for edges in ("", EXTEND_EDGES)
    }
    return {"none": "unchanged", **names}.get(config.augment, config.augment)


def _fill_edges(text: str, profile: DataProfile) -> str:
    """Return the augmentation, set to repeat the edge pixels unless the background is dark."""
    return text if profile.dark_background else f"{text}{EXTEND_EDGES}"


def _accepts(config: RunConfig, train: Dataset) -> bool:
    """Return whether the network accepts the shape of the images."""
    try:
        config.network(train)
    except ModelError:
        return False
    return True
