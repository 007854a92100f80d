"""The result of an engine comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

KINDS = ("loss", "activations", "gradients", "parameters")


class Difference(NamedTuple):
    """The difference between two engines in one tensor.

    Attributes:
        kind: the kind of the tensor, one of `KINDS`.
        layer: the layer's name, such as "3 (Conv2d)"; or "loss".
        tensor: the tensor's name: "Y", "dX", "dweight", "weight" and so on.
        value: the norm of the difference, divided by the norm of the tensor, with three exceptions.
            The difference in a gradient or a parameter is divided by the norm of all gradients or
            parameters of its layer, because the gradient of a bias before a batch norm consists
            only of rounding errors. If dX is an image, the sum of X·dX over each channel is
            compared instead, because max pooling may pass the gradient to either of two equal
            pixels. The difference in a loss below 1 is absolute, because a loss is a logarithm.
    """

    kind: str
    layer: str
    tensor: str
    value: float


class Divergence(NamedTuple):
    """The first difference that exceeds the tolerance.

    Attributes:
        step: the number of the update, counted from 0.
        engine: the engine that differs from the first one.
        difference: the tensor that differs, and by how much.
    """

    step: int
    engine: str
    difference: Difference


class EngineSummary(NamedTuple):
    """The speed and the accuracy of one engine.

    Attributes:
        engine: the engine's name.
        seconds: the median duration of a single step. This includes copying the arrays to the
            engine and back, which training does only once per epoch.
        accuracy: the final accuracy on the test images, 0 to 1, or None without test images.
    """

    engine: str
    seconds: float
    accuracy: float | None


@dataclass(frozen=True, repr=False)
class EngineComparison:
    """The result of an engine comparison.

    Attributes:
        tolerance: the largest relative difference that is accepted.
        differences: for each engine except the first, a list with one dict per step: the largest
            difference of each kind. A kind is missing if the engine does not provide results of
            this kind.
        divergence: the first difference that exceeds the tolerance, or None if there is none.
        engines: one summary per engine, in the given order.
        skipped: the number of batches that were skipped because they lie on a kink.
    """

    tolerance: float
    differences: dict[str, list[dict[str, float]]]
    divergence: Divergence | None
    engines: list[EngineSummary]
    skipped: int = 0

    @property
    def ok(self) -> bool:
        """Whether all differences are within the tolerance."""
        return self.divergence is None

    @property
    def steps(self) -> int:
        """The number of steps that were done."""
        return max(map(len, self.differences.values()))

    def largest(self, engine: str) -> dict[str, float]:
        """Return the largest difference of each kind over all steps."""
        records = self.differences[engine]
        return {
            kind: max(record[kind] for record in records) for kind in KINDS if kind in records[0]
        }

    def as_json(self) -> dict[str, Any]:
        """Return the whole result as a JSON-compatible dict."""
        divergence = None
        if self.divergence is not None:
            step, engine, difference = self.divergence
            divergence = {"step": step, "engine": engine} | difference._asdict()
        return {
            "ok": self.ok,
            "tolerance": self.tolerance,
            "steps": self.steps,
            "skipped": self.skipped,
            "divergence": divergence,
            "largest": {engine: self.largest(engine) for engine in self.differences},
            "engines": [summary._asdict() for summary in self.engines],
            "differences": self.differences,
        }

    def __str__(self) -> str:
        first = self.engines[0].engine
        if self.divergence is None:
            kinks = f" ({self.skipped} batches on a kink were skipped)" if self.skipped else ""
            plural = "s" * (self.steps > 1)
            return f"no difference exceeds {self.tolerance:g} in {self.steps} step{plural}{kinks}"
        step, engine, (_, layer, tensor, value) = self.divergence
        where = "the loss" if tensor == "loss" else f"{tensor} of {layer}"
        return (
            f"step {step}: {engine} differs from {first} in {where} "
            f"by {value:.1e}, more than {self.tolerance:g}"
        )

    def __repr__(self) -> str:
        rows = [self._headings, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*lines, str(self)])

    def _repr_html_(self) -> str:
        from handgrad.html import paragraph, table  # it imports Pillow

        return table(self._rows(), self._headings) + paragraph(str(self))

    _headings = ("engine", *KINDS, "ms per step", "test accuracy")

    def _rows(self) -> list[tuple[str, ...]]:
        """Return one table row per engine: its largest differences, speed and accuracy."""
        rows = []
        for name, seconds, accuracy in self.engines:
            largest = self.largest(name) if name in self.differences else {}
            rows.append(
                (
                    name,
                    *(f"{largest[kind]:.1e}" if kind in largest else "-" for kind in KINDS),
                    f"{seconds * 1e3:.2f}",
                    "-" if accuracy is None else f"{accuracy:.2%}",
                )
            )
        return rows
