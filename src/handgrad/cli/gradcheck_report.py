"""Print the result of a gradient check as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from handgrad.cli.screen import Screen, table

if TYPE_CHECKING:
    from handgrad.gradient_check import GradcheckResult, Report
    from handgrad.gradient_check.oracle import Comparison, Element

WIDE = 150  # columns of a terminal in which one table column per oracle fits
WHERE = {"large inputs": ", at large inputs", "linearity": ", for the sum of two cotangents"}
VERDICTS = {"wrong": "bold red", "not proven": "yellow", "right": "green"}  # worst first


def show(screen: Screen, result: GradcheckResult) -> None:
    """Print one table per mode, with all gradients of a layer or network."""
    for report in result.reports:
        screen.result(_gradients(report, screen.out.width >= WIDE))
        _explain(screen, report)
    screen.result(result.summary)


def overview(screen: Screen, result: GradcheckResult) -> None:
    """Print one line per layer or network, and a table of the gradients if the check failed."""
    wide = screen.out.width >= WIDE
    oracles = _oracles([c for report in result.reports for c in report.comparisons])
    rows = []
    for name in dict.fromkeys(report.name for report in result.reports):
        reports = [report for report in result.reports if report.name == name]
        comparisons = [c for report in reports for c in report.comparisons]
        verdicts = {report.verdict for report in reports}
        verdict = _verdict(next(v for v in VERDICTS if v in verdicts))
        rows.append([name, *_errors(comparisons, oracles, wide), verdict])
    screen.result(table(["largest error of", *_error_headings(oracles, wide), "verdict"], rows))
    for report in result.reports:
        if report.verdict != "right":
            screen.result(_gradients(report, wide))
            _explain(screen, report)
    screen.result(result.summary)


def _gradients(report: Report, wide: bool) -> Table:
    """Return the table of all gradients. In a wide terminal, it also shows the worst elements."""
    oracles = _oracles(report.comparisons)
    rows = []
    for tensor in dict.fromkeys(comparison.tensor for comparison in report.comparisons):
        comparisons = [c for c in report.comparisons if c.tensor == tensor]
        element = _element(report.worst(tensor).worst) if wide else ()
        verdict = _verdict(report.verdict_on(tensor))
        rows.append([tensor, *_errors(comparisons, oracles, wide), *element, verdict])
    elements = ["worst at", ">ours", ">expected"] if wide else []
    headings = ["gradient of", *_error_headings(oracles, wide), *elements, "verdict"]
    return table(headings, rows, f"{report.name}, {report.mode}")


def _error_headings(oracles: Sequence[str], wide: bool) -> list[str]:
    return [f">{oracle}" for oracle in oracles] if wide else ["oracle", ">error", ">bound"]


def _errors(comparisons: Sequence[Comparison], oracles: Sequence[str], wide: bool) -> list[Text]:
    """Return the largest error of each oracle; if `wide` is false, only that of the worst one."""
    if wide:
        return [_largest([c for c in comparisons if c.oracle == oracle]) for oracle in oracles]
    worst = _worst(comparisons)
    return [Text(worst.oracle), _largest([worst]), Text(f"{worst.bound:.0e}")]


def _explain(screen: Screen, report: Report) -> None:
    """Print the first wrong element of each wrong gradient, and the likely cause of the error."""
    tensors = list(dict.fromkeys(comparison.tensor for comparison in report.comparisons))
    unproven = [tensor for tensor in tensors if report.verdict_on(tensor) == "not proven"]
    if unproven == tensors:
        screen.result(
            "not proven: all gradients are zero, because the output is constant or piecewise "
            "constant, so no deliberately wrong gradient could be tested",
        )
    elif unproven:
        screen.result(
            f"not proven ({', '.join(unproven)}): the output depends on this array, but its "
            "gradient is so small, compared with the others, that it cannot be distinguished from "
            "zero; therefore no deliberately wrong gradient could be tested",
        )
    first = {c.tensor: c for c in report.wrong if c.first}
    for tensor, comparison in first.items():
        index, ours, expected = _element(comparison.first, exact=True)
        where = WHERE.get(comparison.oracle, "")
        sentence = f"[{index}] is {ours}, but should be {expected}{where}"
        screen.result(Text.assemble((f"first wrong element ({tensor}): ", "bold"), sentence))
    for sentence in dict.fromkeys(cause.sentence for cause in report.causes):
        explained = ", ".join(c.tensor for c in report.causes if c.sentence == sentence)
        screen.result(Text.assemble((f"likely cause ({explained}): ", "bold"), sentence))


def _oracles(comparisons: Sequence[Comparison]) -> list[str]:
    return list(dict.fromkeys(comparison.oracle for comparison in comparisons))


def _worst(comparisons: Sequence[Comparison]) -> Comparison:
    return max(comparisons, key=lambda comparison: comparison.error / comparison.bound)


def _largest(comparisons: Sequence[Comparison]) -> Text:
    """Return the largest error of the given comparisons as text, in red if it exceeds its bound."""
    if not comparisons:
        return Text("")
    worst = _worst(comparisons)
    return Text(f"{worst.error:.1e}", style="" if worst.ok else "red")


def _element(element: Element | None, exact: bool = False) -> tuple[str, str, str]:
    """Return an element's index, its value and the expected value as text.

    If `exact` is true, both values are shown with enough digits to tell them apart.
    """
    if element is None:
        return "", "", ""
    index, ours, expected = ",".join(map(str, element.index)), element.ours, element.expected
    digits = 4 if not exact else 12 if abs(ours - expected) < 1e-4 * abs(expected) else 5
    return index, f"{ours:.{digits}g}", f"{expected:.{digits}g}"


def _verdict(verdict: str) -> Text:
    return Text(verdict, style=VERDICTS[verdict])
