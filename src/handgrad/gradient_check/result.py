"""The result of a gradient check."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from handgrad.gradient_check.controls import Control
from handgrad.gradient_check.diagnosis import Cause
from handgrad.gradient_check.oracle import Comparison


class Verdict(StrEnum):
    """The verdict of a check.

    If a gradient is zero, all its mutations are zero too, so nothing can be proven. This happens if
    the output is constant or piecewise constant. A gradient is not proven either if it is so small,
    relative to the other gradients, that it cannot be distinguished from zero.
    """

    RIGHT = "right"
    WRONG = "wrong"
    UNPROVEN = "not proven"


@dataclass(frozen=True)
class Report:
    """The result of checking one layer or network in one mode.

    Attributes:
        name: the name of the layer or network.
        training: whether the layer or network was checked in training mode.
        comparisons: one comparison per gradient and oracle.
        controls: the mutated gradients, and whether the oracles rejected them.
        causes: the likely causes that were found for wrong gradients.
    """

    name: str
    training: bool
    comparisons: tuple[Comparison, ...]
    controls: tuple[Control, ...]
    causes: tuple[Cause, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every oracle accepts every gradient and rejects every mutation."""
        return self.verdict is Verdict.RIGHT and not self.broken

    @property
    def mode(self) -> str:
        """The mode in words, "training" or "inference"."""
        return "training" if self.training else "inference"

    @property
    def verdict(self) -> Verdict:
        """The verdict on all gradients, if the check itself is right."""
        verdicts = {self.verdict_on(comparison.tensor) for comparison in self.comparisons}
        worst = (Verdict.WRONG, Verdict.UNPROVEN, Verdict.RIGHT)
        return next((verdict for verdict in worst if verdict in verdicts), Verdict.UNPROVEN)

    def verdict_on(self, tensor: str) -> Verdict:
        """Return the verdict on one gradient."""
        if any(comparison.tensor == tensor for comparison in self.wrong):
            return Verdict.WRONG
        shown = any(control.tensor == tensor for control in self.controls)
        return Verdict.RIGHT if shown else Verdict.UNPROVEN

    @property
    def wrong(self) -> tuple[Comparison, ...]:
        """The comparisons in which an oracle rejected a gradient."""
        return tuple(comparison for comparison in self.comparisons if not comparison.ok)

    @property
    def broken(self) -> tuple[Control, ...]:
        """The mutated gradients that an oracle accepted: if there are any, the check is wrong."""
        return tuple(control for control in self.controls if not control.rejected)

    def worst(self, tensor: str) -> Comparison:
        """Return the comparison of a gradient that has the largest error relative to its bound."""
        own = [comparison for comparison in self.comparisons if comparison.tensor == tensor]
        return max(own, key=lambda comparison: comparison.error / comparison.bound)

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON-compatible dict."""
        return {
            "name": self.name,
            "training": self.training,
            "ok": self.ok,
            "verdict": self.verdict,
            "gradients": [_comparison_as_json(comparison) for comparison in self.comparisons],
            "controls": {
                "shown": len(self.controls),
                "accepted": [control._asdict() for control in self.broken],
            },
            "causes": [cause._asdict() for cause in self.causes],
        }


@dataclass(frozen=True, repr=False)
class GradcheckResult:
    """The result of a gradient check.

    Attributes:
        reports: one report per target and mode.
    """

    reports: tuple[Report, ...]

    @property
    def ok(self) -> bool:
        """Whether all gradients are proven right, and no oracle accepted a mutated one."""
        return all(report.ok for report in self.reports)

    @property
    def summary(self) -> str:
        """A sentence with the numbers of passed comparisons and rejected mutations."""
        comparisons = [c for report in self.reports for c in report.comparisons]
        controls = [c for report in self.reports for c in report.controls]
        right, rejected = sum(c.ok for c in comparisons), sum(c.rejected for c in controls)
        return (
            f"{right:,} of {len(comparisons):,} comparisons passed; "
            f"{rejected:,} of {len(controls):,} mutated gradients were rejected"
        )

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        rows = [self._headings, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        causes = [f"likely cause ({c.tensor}): {c.sentence}" for c in self._causes()]
        return "\n".join([*lines, *causes, self.summary])

    def _repr_html_(self) -> str:
        from handgrad.html import paragraph, table  # it imports Pillow

        sentences = [f"likely cause ({c.tensor}): {c.sentence}" for c in self._causes()]
        words = "".join(map(paragraph, (*sentences, self.summary)))
        return table(self._rows(), self._headings) + words

    _headings = ("target", "mode", "gradient of", "oracle", "error", "bound", "verdict")

    def _rows(self) -> list[tuple[str, ...]]:
        """Return one table row per gradient, with its worst comparison."""
        return [
            (
                *(report.name, report.mode, tensor, worst.oracle),
                *(f"{worst.error:.1e}", f"{worst.bound:.0e}", str(report.verdict_on(tensor))),
            )
            for report in self.reports
            for tensor in dict.fromkeys(c.tensor for c in report.comparisons)
            if (worst := report.worst(tensor))
        ]

    def _causes(self) -> list[Cause]:
        """Return the likely causes of all reports, without duplicates."""
        return list(dict.fromkeys(cause for report in self.reports for cause in report.causes))

    def as_json(self) -> dict[str, Any]:
        """Return all reports as a JSON-compatible dict."""
        return {"ok": self.ok, "reports": [report.as_json() for report in self.reports]}


def _comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as a JSON-compatible dict; numbers that are not finite become null."""

    def finite(fields: dict[str, Any]) -> dict[str, Any]:
        odd = {k for k, v in fields.items() if isinstance(v, float) and not math.isfinite(v)}
        return fields | dict.fromkeys(odd)

    fields = asdict(comparison)
    elements = {k: fields[k] and finite(fields[k]) for k in ("worst", "first")}
    return finite(fields) | elements | {"ok": comparison.ok}
