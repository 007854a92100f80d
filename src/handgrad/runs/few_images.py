"""Choose the batch size and the number of epochs if the training images are few."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from handgrad.errors import DataError
from handgrad.train_config import enough_epochs


def settings_for_few_images(
    name: str, count: int, settings: Mapping[str, int], given: Collection[str]
) -> dict[str, int]:
    """Return the settings to change, by name.

    The batch size becomes at most the number of images. The number of epochs is raised to make
    enough updates. The patience is raised too; otherwise, early stopping would end training too
    soon.

    Args:
        name: the name of the data.
        count: the number of training images.
        settings: the values of batch_size, epochs and patience.
        given: the names of the settings that the user chose; they are not changed.

    Raises:
        DataError: if the user chose a batch size that is larger than the number of images.
    """
    size = settings["batch_size"]
    if size > count and "batch_size" in given:
        raise DataError(
            f"{name}: there are only {count} training images, fewer than the batch_size {size}; "
            f"use a batch_size of at most {count}: --batch-size {count}"
        )
    changes = {} if size <= count else {"batch_size": count}
    epochs = enough_epochs(count, min(size, count), settings["epochs"])
    if "epochs" not in given and epochs > settings["epochs"]:
        changes["epochs"] = epochs
        if "patience" not in given:
            changes["patience"] = max(settings["patience"], epochs)
    return changes
