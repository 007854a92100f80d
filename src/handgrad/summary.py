"""A network as a table of layers, shapes, parameters and multiply-adds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from handgrad.layers import Shape, has_buffers
from handgrad.params import flatten
from handgrad.walk import LayerForward

HEADINGS = ("layer", "output", ">parameters", ">multiply-adds")  # >: right-aligned


@dataclass(frozen=True)
class Row:
    """One line of a summary.

    Attributes:
        name: the index and type of the layer, such as "0 Flatten".
        output: the shape of the layer's output for one image.
        parameters: the number of learned values in the layer.
        multiply_adds: the number of multiply-adds with the layer's weights in a forward pass of one
            image.
    """

    name: str
    output: Shape
    parameters: int
    multiply_adds: int

    def cells(self) -> tuple[str, str, str, str]:
        """Return the row as text, with one cell per column of `HEADINGS`."""
        output = " x ".join(str(size) for size in self.output)
        return self.name, output, f"{self.parameters:,}", f"{self.multiply_adds:,}"


@dataclass(frozen=True)
class Summary:
    """A table of a network's layers, which can be printed or read as `rows` and totals."""

    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        """The number of learned values in the network."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """The number of multiply-adds in a forward pass of one image.

        A training step needs about three times as many multiply-adds per image.
        """
        return sum(row.multiply_adds for row in self.rows)

    @property
    def _lines(self) -> list[tuple[str, str, str, str]]:
        """The cells of all rows and of the total."""
        total = ("total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        return [*(row.cells() for row in self.rows), total]

    def __str__(self) -> str:
        lines = [tuple(heading.removeprefix(">") for heading in HEADINGS), *self._lines]
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        return "\n".join(
            f"{name:<{widths[0]}}  {output:<{widths[1]}}  {count:>{widths[2]}}  {work:>{widths[3]}}"
            for name, output, count, work in lines
        )

    def _repr_html_(self) -> str:
        from handgrad.html import table  # it imports Pillow

        return table(self._lines, HEADINGS)


def summarize(steps: Iterable[LayerForward]) -> Summary:
    """Build the summary from a forward pass of one image; nested layers have rows of their own."""
    rows: list[Row] = []
    for step in steps:
        if "." in step.path:  # inside the layer of the last row
            work = rows[-1].multiply_adds + step.multiply_adds
            rows[-1] = replace(rows[-1], multiply_adds=work)
            continue
        buffers = step.layer.buffers if has_buffers(step.layer) else ()
        count = sum(int(a.size) for name, a in flatten(step.params).items() if name not in buffers)
        name = f"{step.path} {type(step.layer).__name__}"
        rows.append(Row(name, step.Y.shape[1:], count, step.multiply_adds))
    return Summary(tuple(rows))
