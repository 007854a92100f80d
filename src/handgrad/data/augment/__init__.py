"""Random augmentation of the training images, which differs in every epoch."""

from handgrad.data.augment.augmentation import (
    PRESETS,
    Augmentation,
    EpochAugmentation,
    as_augmentation,
)

__all__ = ["PRESETS", "Augmentation", "EpochAugmentation", "as_augmentation"]
