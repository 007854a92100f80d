"""The errors that a user can cause. Each message says what is wrong, where, and how to fix it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import partial
from typing import Any

_SIMILAR = 0.6  # of names that are suggested for a mistyped one, between 0 and 1


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" if a known name is similar, otherwise an empty string.

    >>> did_you_mean("epoch", ["epochs", "lr"])
    '; did you mean epochs?'
    """
    similar = difflib.get_close_matches(name, list(known), n=1, cutoff=_SIMILAR)
    return f"; did you mean {similar[0]}?" if similar else ""


class HandgradError(Exception):
    """Base class of all errors that handgrad raises on purpose."""


class DataError(HandgradError):
    """Images or labels cannot be used, or their files cannot be read."""


class ConfigError(HandgradError):
    """A setting is unknown, is out of range, or contradicts another setting."""


class ModelError(HandgradError):
    """A network cannot be built or loaded, or cannot process images of the given shape."""


class DivergenceError(HandgradError):
    """A value became NaN or infinite during training.

    Attributes:
        step: the training step, counted from 0.
        layer: the name of the first layer in which a value is NaN or infinite, such as
            ``"2 (Dense)"``; or ``"input"`` or ``"loss"``.
        by_update: True if the parameter update made a value NaN or infinite, which a smaller update
            may prevent. False if a value was NaN or infinite before the update.
        unrecoverable: whether training is certain to diverge again if it resumes from the last
            checkpoint, at any learning rate.
    """

    def __init__(
        self,
        message: str,
        *,
        step: int,
        layer: str,
        by_update: bool = False,
        unrecoverable: bool = False,
    ) -> None:
        super().__init__(message)
        self.step = step
        self.layer = layer
        self.by_update = by_update
        self.unrecoverable = unrecoverable

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), step=self.step, layer=self.layer), self.args, self.__dict__


class StorageError(HandgradError):
    """A file cannot be written, or a written file is corrupted."""


class MissingExtraError(HandgradError):
    """A feature needs a package from one of handgrad's optional extras."""
