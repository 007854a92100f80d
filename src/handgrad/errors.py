"""The errors a user can meet. Each says what was wrong, where, and what to do."""

from __future__ import annotations

from functools import partial
from typing import Any


class HandgradError(Exception):
    """The parent of every error that handgrad raises on purpose."""


class DataError(HandgradError):
    """Pictures, labels or the files that hold them cannot be used."""


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
    """

    def __init__(self, message: str, *, step: int, layer: str) -> None:
        super().__init__(message)
        self.step = step
        self.layer = layer

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), step=self.step, layer=self.layer), self.args


class StorageError(HandgradError):
    """A file cannot be written, or what was written is not whole any more."""


class MissingExtraError(HandgradError):
    """A feature needs a package that an extra of handgrad installs."""
