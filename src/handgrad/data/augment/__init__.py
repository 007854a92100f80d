"""Images changed a little and at random each time they are learned from."""

from handgrad.data.augment.augmentation import PRESETS, Augmentation, as_augmentation
from handgrad.data.augment.sampling import Moves

__all__ = ["PRESETS", "Augmentation", "Moves", "as_augmentation"]
