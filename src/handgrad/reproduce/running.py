"""The pieces of work, one after another, each kept as soon as it is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from typing import Protocol

from handgrad.data import Dataset
from handgrad.errors import MissingExtraError
from handgrad.reproduce.experiment import Outcome, Setting
from handgrad.reproduce.store import Piece, Store

Data = dict[str, tuple[Dataset, Dataset]]


class Watch(Protocol):
    """Who wants to know how far the work is."""

    def begin(self, piece: Piece) -> None:
        """A piece is begun."""
        ...

    def share(self, done: float) -> None:
        """So much of it is done, 0 to 1."""
        ...

    def end(self, piece: Piece, outcome: Outcome | None, why: str) -> None:
        """It is done; or there is no outcome, and why."""
        ...


def digests(data: Data) -> dict[str, str]:
    """Return the SHA-256 of each data set, training and test images together."""
    return {name: f"{train.digest()} {test.digest()}" for name, (train, test) in data.items()}


def left(work: Iterable[Piece], store: Store) -> list[Piece]:
    """Return the pieces that are not done yet."""
    return [piece for piece in work if store.get(piece) is None]


def run(work: Sequence[Piece], store: Store, data: Data, watch: Watch) -> None:
    """Run pieces and keep what comes of each.

    What needs a package that is not installed is left out, and said.

    Raises:
        HandgradError: what training, and writing a file, raises.
    """
    for piece in work:
        watch.begin(piece)
        kept = store.checkpoint(piece)
        setting = Setting(*data[piece.data], piece.seed, store.engine, watch.share, kept)
        try:
            outcome = piece.part.run(setting)
        except MissingExtraError as error:
            watch.end(piece, None, str(error))
            continue
        store.put(piece, outcome)
        shutil.rmtree(kept, ignore_errors=True)
        watch.end(piece, outcome, "")
