"""What a training run tells: one record for each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from handgrad.display import html_table


class Epoch(NamedTuple):
    """What one epoch brought.

    Attributes:
        number: the epoch, counted from 1.
        loss: the mean loss over the training images, each taken before the update that it led to.
        accuracy: the share of training images that were right, 0 to 1, likewise.
        validation_loss: the mean loss over the validation images after the epoch; None: there
            are none.
        validation_accuracy: the share of them that were right, 0 to 1.
        lr: the learning rate of the epoch's last update.
        seconds: how long the epoch's updates took.
        images_per_second: training images, through those updates.
        best: whether no epoch before had as low a loss to go by.
    """

    number: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    lr: float
    seconds: float
    images_per_second: float
    best: bool

    @property
    def watched_loss(self) -> float:
        """The loss that early stopping and plateaus go by: on validation, where there is any."""
        return self.loss if self.validation_loss is None else self.validation_loss


@dataclass
class History:
    """The records of a run, oldest first.

    Attributes:
        epochs: one record for each epoch.
        stopped_early: whether the run ended before the epochs it was asked for.
    """

    epochs: list[Epoch] = field(default_factory=list)
    stopped_early: bool = False

    def append(self, record: Epoch) -> None:
        """Add the record of one more epoch."""
        self.epochs.append(record)

    @property
    def best_epoch(self) -> int:
        """The number of the epoch with the lowest loss to go by; 0: none was finite."""
        return max((record.number for record in self.epochs if record.best), default=0)

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]

    def _repr_html_(self) -> str:
        rows = [[f"{x:.4g}" if isinstance(x, float) else x for x in record] for record in self]
        headings = [name.replace("_", " ") for name in Epoch._fields]
        return html_table(headings, rows, f"{len(self)} epochs, the best is {self.best_epoch}")
