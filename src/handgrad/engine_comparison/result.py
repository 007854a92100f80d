"""What a duel finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

KINDS = ("loss", "activations", "gradients", "parameters")


class Difference(NamedTuple):
    """How far two engines are from each other in one tensor.

    Attributes:
        kind: one of `KINDS`.
        layer: the layer's name, such as "3 (Conv2d)"; or "loss".
        tensor: the tensor's name: "Y", "dX", "dweight", "weight" and so on.
        value: the norm of the difference, relative to that of the tensor. Three are taken with
            care. A gradient or a parameter is relative to all of its layer, for the gradient of
            a bias before batch norm is nothing but rounding. Of dX of an image it is X dX,
            summed over the places of each channel: where max pooling finds two pixels equal, dX
            may go to either. The loss is a logarithm, and its difference already relative.
    """

    kind: str
    layer: str
    tensor: str
    value: float


class Parting(NamedTuple):
    """Where an engine first went another way.

    Attributes:
        step: the update, counted from 0.
        engine: the engine that differs from the first one.
        difference: the tensor, and by how much.
    """

    step: int
    engine: str
    difference: Difference


class Side(NamedTuple):
    """How one engine did.

    Attributes:
        engine: its name.
        seconds: how long a step took, the median: of one step alone, with its arrays copied to
            where the engine wants them and back, which a whole epoch does once.
        accuracy: the share of test images that were right at the end; None: there were none.
    """

    engine: str
    seconds: float
    accuracy: float | None


@dataclass(frozen=True)
class Duel:
    """What a duel found.

    Attributes:
        tolerance: how large a relative difference may be.
        differences: for each engine but the first, and for each step, the largest difference of
            each kind; a kind that an engine cannot lay open is missing.
        parting: where they parted; None: nowhere.
        sides: how each engine did, the first one first.
        kinks: how many batches were passed over.
    """

    tolerance: float
    differences: dict[str, list[dict[str, float]]]
    parting: Parting | None
    sides: list[Side]
    kinks: int = 0

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return max(map(len, self.differences.values()))

    def largest(self, engine: str) -> dict[str, float]:
        """Return the largest difference of each kind over all steps."""
        records = self.differences[engine]
        return {
            kind: max(record[kind] for record in records) for kind in KINDS if kind in records[0]
        }

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        parting = None
        if self.parting is not None:
            step, engine, difference = self.parting
            parting = {"step": step, "engine": engine} | difference._asdict()
        return {
            "tolerance": self.tolerance,
            "steps": self.steps,
            "kinks": self.kinks,
            "parting": parting,
            "largest": {engine: self.largest(engine) for engine in self.differences},
            "engines": [side._asdict() for side in self.sides],
            "differences": self.differences,
        }

    def __str__(self) -> str:
        if self.parting is None:
            passed = f" (batches on a kink passed over: {self.kinks})" if self.kinks else ""
            return f"no tensor parts by more than {self.tolerance:g} in {self.steps} steps{passed}"
        step, engine, (_, layer, tensor, value) = self.parting
        where = "the loss" if tensor == "loss" else f"{tensor} of {layer}"
        return (
            f"step {step}: {engine} parts from {self.sides[0].engine} in {where} "
            f"by {value:.1e}, more than {self.tolerance:g}"
        )
