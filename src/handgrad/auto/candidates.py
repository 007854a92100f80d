"""What is tried: networks with learning rates, preprocessings, augmentations, means of weights."""

from __future__ import annotations

from typing import Any

from handgrad.auto.data_profile import Look
from handgrad.data import Dataset
from handgrad.data.augment import Augmentation
from handgrad.errors import ModelError
from handgrad.runs.config import RunConfig

MOSTLY = 0.4  # of the pixels are ground where something stands on it

# The first are tried where there is little time. Rates are the peak of one cycle with AdamW.
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

# By what they are called. The first is the mildest.
SHIFTED = "shifted"
AUGMENTATIONS = {
    SHIFTED: "shift=0.07",
    "shifted and mirrored": "fashion",
    "shifted, scaled and mirrored": "fashion,scale=0.1",
    "distorted": "light",
}
EDGE = ",fill=edge"
LONG_EPOCH = 200  # updates


def networks(base: RunConfig, train: Dataset) -> list[RunConfig]:
    """Return the named networks that can take the images, each with learning rates."""
    made = [changed(base, model=model, lr=lr) for model, lr in NETWORKS]
    return [config for config in made if _fits(config, train)]


def preprocessings(config: RunConfig, train: Dataset, look: Look) -> list[RunConfig]:
    """Return settings with the other preprocessings that may suit the images.

    Only grey files can be prepared as drawings, and only what stands on a ground has to be.
    """
    C, H, W = train.shape
    if not look.files or C != 1 or look.ground < MOSTLY:
        return []
    return [changed(config, preprocessing=name, size=max(H, W)) for name in ("light", "drawing")]


def shifted(config: RunConfig, look: Look) -> RunConfig:
    """Return settings with the mildest augmentation."""
    return changed(config, augment=_on_ground(AUGMENTATIONS[SHIFTED], look))


def augmentations(config: RunConfig, look: Look) -> list[RunConfig]:
    """Return settings with each augmentation but the one they have, and with none."""
    texts = ["none", *(_on_ground(text, look) for text in AUGMENTATIONS.values())]
    made = [changed(config, augment=text) for text in texts]
    return [other for other in made if other.augment != config.augment]


def averaged(config: RunConfig, train: Dataset) -> list[RunConfig]:
    """Return settings by which the mean of the weights is kept.

    Batch norm needs some updates after each epoch to know that mean: not worth it in short epochs.
    """
    long = len(train) > LONG_EPOCH * config.batch_size
    return [changed(config, average_weights=1)] if long else []


def changed(config: RunConfig, **changes: Any) -> RunConfig:
    """Return settings with some of them changed, checked."""
    return RunConfig.model_validate({**config.model_dump(exclude_none=True), **changes})


def words(config: RunConfig) -> str:
    """Return the settings that differ between candidates."""
    said = [config.model, f"learning rate {config.lr:g}"]
    if config.preprocessing is not None:
        said.append(f"prepared as {config.preprocessing}")
    if config.augment != "none":
        said.append(augmented(config))
    if config.average_weights:
        said.append("mean of the weights")
    return ", ".join(said)


def augmented(config: RunConfig) -> str:
    """Return what is done to the images that are learned from, in words."""
    names = {
        str(Augmentation.of(f"{text}{ground}")): name
        for name, text in AUGMENTATIONS.items()
        for ground in ("", EDGE)
    }
    return {"none": "left as they are", **names}.get(config.augment, config.augment)


def _on_ground(text: str, look: Look) -> str:
    """Return an augmentation that lets in from outside what the images' edges are like."""
    return text if look.dark else f"{text}{EDGE}"


def _fits(config: RunConfig, train: Dataset) -> bool:
    """Say whether a network can take the images."""
    try:
        config.network(train)
    except ModelError:
        return False
    return True
