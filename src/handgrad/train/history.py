"""The history of a training run: one record for each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from handgrad.display import html_table


class Epoch(NamedTuple):
    """The record of one epoch.

    Attributes:
        number: the number of the epoch, counted from 1.
        loss: the mean training loss; each batch is measured before its own update.
        accuracy: the training accuracy, 0 to 1, measured likewise.
        validation_loss: the mean loss on the validation images after the epoch; None: there are
            none.
        validation_accuracy: the accuracy on the validation images, 0 to 1.
        lr: the learning rate of the epoch's last update.
        seconds: the time that the updates took.
        images_per_second: training images per second of that time.
        best: whether the monitored loss is the lowest so far.
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
    def monitored_loss(self) -> float:
        """The loss used for early stopping and plateaus: the validation loss if there is one."""
        return self.loss if self.validation_loss is None else self.validation_loss


@dataclass
class History:
    """The records of a run, oldest first.

    Attributes:
        epochs: one record for each epoch.
        stopped_early: whether the run ended before the last of its epochs.
    """

    epochs: list[Epoch] = field(default_factory=list)
    stopped_early: bool = False

    def append(self, record: Epoch) -> None:
        """Add the record of one more epoch."""
        self.epochs.append(record)

    @property
    def best_epoch(self) -> int:
        """The number of the epoch with the lowest monitored loss; 0: no loss was finite."""
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
