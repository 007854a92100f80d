"""The history of a training run, with one record per epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_LAST_EPOCHS = 5  # shown in a notebook


class Epoch(NamedTuple):
    """The record of one epoch.

    Attributes:
        number: the number of the epoch, counted from 1.
        loss: the mean training loss; the loss of each batch is computed before its update.
        accuracy: the training accuracy, 0 to 1, also computed for each batch before its update.
        validation_loss: the mean loss on the validation images after the epoch, or None if there
            are no validation images.
        validation_accuracy: the accuracy on the validation images, 0 to 1, or None if
            there are no validation images.
        lr: the learning rate of the last update in the epoch.
        seconds: the duration of the updates in seconds.
        images_per_second: the number of training images processed per second.
        best: whether `monitored_loss` is the lowest of all epochs so far.
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
        """The validation loss or, without validation images, the training loss.

        Early stopping and the learning rate schedule `Plateau` use this loss.
        """
        return self.loss if self.validation_loss is None else self.validation_loss


@dataclass(repr=False)
class History:
    """The records of a training run, oldest first.

    Attributes:
        epochs: one record per epoch.
        stopped_early: whether early stopping ended the run before the maximum number of epochs.
    """

    epochs: list[Epoch] = field(default_factory=list)
    stopped_early: bool = False

    def append(self, record: Epoch) -> None:
        """Append the record of a finished epoch."""
        self.epochs.append(record)

    @property
    def best_epoch(self) -> int:
        """The number of the epoch with the lowest `monitored_loss`, or 0 if no loss was finite."""
        return max((record.number for record in self.epochs if record.best), default=0)

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]

    def __repr__(self) -> str:
        return f"History({self._summary})"

    def _repr_html_(self) -> str:
        from handgrad.html import curves, paragraph, table  # it imports Pillow

        headings = [
            *(">epoch", ">loss", ">accuracy", ">validation loss", ">validation accuracy"),
            *(">learning rate", ">seconds", ">images per second", "best so far"),
        ]
        rows = [
            (
                *(record.number, f"{record.loss:.4f}", f"{record.accuracy:.2%}"),
                "" if record.validation_loss is None else f"{record.validation_loss:.4f}",
                "" if record.validation_accuracy is None else f"{record.validation_accuracy:.2%}",
                *(f"{record.lr:.3g}", f"{record.seconds:.2f}", f"{record.images_per_second:,.0f}"),
                "yes" if record.best else "",
            )
            for record in self.epochs[-_LAST_EPOCHS:]
        ]
        return paragraph(self._summary) + curves(self) + table(rows, headings)

    @property
    def _summary(self) -> str:
        """One line of text: the number of epochs, and the best epoch with its loss and accuracy."""
        count = f"{len(self)} epoch{'s' * (len(self) != 1)}"
        if self.stopped_early:
            count += ", stopped early"
        if not self.best_epoch:
            return count
        best = next(record for record in self.epochs if record.number == self.best_epoch)
        kind = "" if best.validation_loss is None else "validation "
        accuracy = best.accuracy if best.validation_accuracy is None else best.validation_accuracy
        return (
            f"{count}; best epoch {self.best_epoch}: {kind}loss {best.monitored_loss:.4f}, "
            f"{kind}accuracy {accuracy:.2%}"
        )
