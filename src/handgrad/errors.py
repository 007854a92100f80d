"""The errors a user can meet. Each says what was wrong, where, and what to do."""

from __future__ import annotations

from functools import partial
from typing import Any


class HandgradError(Exception):
    """The parent of every error that handgrad raises on purpose."""


class DataError(HandgradError):
    """Images, labels or the files that hold them cannot be used."""


class ConfigError(HandgradError):
    """A setting is unknown, out of range, or contradicts another."""


class ModelError(HandgradError):
    """A network cannot be built, loaded, or fed with the given shape."""


class DivergenceError(HandgradError):
    """A number stopped being finite during training.

    Attributes:
        step: the update, counted from 0, in which it appeared.
        layer: the name of the layer where it appeared first, such as ``"2 (Dense)"``; or
            ``"input"`` or ``"loss"``.
        by_update: whether the update made it so, and a smaller one would not; else it was so
            before, whatever the learning rate.
        hopeless: whether it comes about from the last checkpoint on at any learning rate.
    """

    def __init__(
        self,
        message: str,
        *,
        step: int,
        layer: str,
        by_update: bool = False,
        hopeless: bool = False,
    ) -> None:
        super().__init__(message)
        self.step = step
        self.layer = layer
        self.by_update = by_update
        self.hopeless = hopeless

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), step=self.step, layer=self.layer), self.args, self.__dict__


class StorageError(HandgradError):
    """A file cannot be written, or what was written is not whole any more."""


class MissingExtraError(HandgradError):
    """A feature needs a package that an extra of handgrad installs."""
