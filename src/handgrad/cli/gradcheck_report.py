"""What a gradient check found, as tables and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from handgrad.cli.screen import Screen, table

if TYPE_CHECKING:
    from handgrad.gradient_check.check import Report
    from handgrad.gradient_check.oracle import Element, Finding

ROOM = 130  # columns that a column for each witness takes
ELSEWHERE = {"far": ", far out", "linear": ", for the sum of two cotangents"}
VERDICTS = {"wrong": "bold red", "nothing to prove": "yellow", "right": "green"}  # worst first


def show(screen: Screen, reports: Sequence[Report]) -> None:
    """Print a table of all gradients for each way that a layer or network was run."""
    for report in reports:
        screen.result(_gradients(report, screen.out.width))
        _explain(screen, report)
    _sum_up(screen, reports)


def overview(screen: Screen, reports: Sequence[Report]) -> None:
    """Print a line for each layer or network, and all gradients of those that failed."""
    names = list(dict.fromkeys(report.name for report in reports))
    witnesses = _witnesses([finding for report in reports for finding in report.findings])
    rows = []
    for name in names:
        findings = [f for report in reports if report.name == name for f in report.findings]
        errors = [_largest([f for f in findings if f.witness == w]) for w in witnesses]
        verdicts = {report.verdict for report in reports if report.name == name}
        rows.append([name, *errors, _verdict(next(v for v in VERDICTS if v in verdicts))])
    headings = ["largest error of", *(f">{witness}" for witness in witnesses), "verdict"]
    screen.result(table(headings, rows))
    for report in reports:
        if report.verdict != "right":
            screen.result(_gradients(report, screen.out.width))
            _explain(screen, report)
    _sum_up(screen, reports)


def plain(reports: Sequence[Report]) -> dict[str, Any]:
    """Return reports as JSON can hold them."""
    return {
        "ok": all(report.ok for report in reports),
        "reports": [
            {
                "name": report.name,
                "training": report.training,
                "ok": report.ok,
                "verdict": report.verdict,
                "gradients": [_plain(finding) for finding in report.findings],
                "controls": {
                    "shown": len(report.controls),
                    "accepted": [control._asdict() for control in report.broken],
                },
                "causes": [cause._asdict() for cause in report.causes],
            }
            for report in reports
        ],
    }


def _plain(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON can hold it: what is not finite is null."""

    def finite(fields: dict[str, Any]) -> dict[str, Any]:
        odd = {k for k, v in fields.items() if isinstance(v, float) and not math.isfinite(v)}
        return fields | dict.fromkeys(odd)

    found = asdict(finding)
    elements = {k: found[k] and finite(found[k]) for k in ("worst", "first")}
    return finite(found) | elements | {"ok": finding.ok}


def _gradients(report: Report, width: int) -> Table:
    """Return the table of all gradients; where it is narrow, of the nearest to its bound alone."""
    by_tensor: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_tensor.setdefault(finding.tensor, []).append(finding)
    witnesses = _witnesses(report.findings)
    wide = width >= ROOM
    rows = []
    for tensor, findings in by_tensor.items():
        told = max(findings, key=lambda f: f.error / f.bound)
        errors = (
            [_largest([f for f in findings if f.witness == w]) for w in witnesses]
            if wide
            else [told.witness, _largest([told])]
        )
        rows.append([tensor, *errors, *_element(told.worst), _verdict(report.verdict_on(tensor))])
    columns = [f">{witness}" for witness in witnesses] if wide else ["witness", ">error"]
    title = f"{report.name}, {'training' if report.training else 'inference'}"
    headings = ["gradient of", *columns, "worst at", ">ours", ">theirs", "verdict"]
    return table(headings, rows, title)


def _explain(screen: Screen, report: Report) -> None:
    """Print the first wrong element of each gradient that was rejected, and the likely cause."""
    tensors = list(dict.fromkeys(finding.tensor for finding in report.findings))
    empty = [tensor for tensor in tensors if report.verdict_on(tensor) == "nothing to prove"]
    if empty == tensors:
        screen.result(
            "nothing to prove: all gradients are zero, for the output depends on nothing or jumps; "
            "so no spoilt gradient could be shown"
        )
    elif empty:
        screen.result(
            f"nothing to prove of {', '.join(empty)}: beside the others it is too small to be told "
            "from zero, and yet the output depends on it; so no spoilt gradient could be shown"
        )
    first = {f.tensor: f for f in report.wrong if f.first}
    for tensor, finding in first.items():
        index, ours, theirs = _element(finding.first, exact=True)
        sentence = (
            f"[{index}] is {ours}, and should be {theirs}{ELSEWHERE.get(finding.witness, '')}"
        )
        screen.result(Text.assemble((f"first wrong element ({tensor}): ", "bold"), sentence))
    sentences = dict.fromkeys(cause.sentence for cause in report.causes)
    for sentence in sentences:
        explained = ", ".join(c.tensor for c in report.causes if c.sentence == sentence)
        words = Text.assemble((f"likely cause ({explained}): ", "bold"), sentence)
        screen.out.print(words, highlight=False)


def _sum_up(screen: Screen, reports: Sequence[Report]) -> None:
    """Print how many gradients and controls there were, and how they did."""
    right = [f for report in reports for f in report.findings]
    wrong = [f for report in reports for f in report.wrong]
    shown = [c for report in reports for c in report.controls]
    accepted = [c for report in reports for c in report.broken]
    screen.result(
        f"{len(right) - len(wrong):,} of {len(right):,} comparisons hold; "
        f"{len(shown) - len(accepted):,} of {len(shown):,} spoilt gradients were rejected"
    )


def _witnesses(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.witness for finding in findings))


def _largest(findings: Sequence[Finding]) -> Text:
    """Return the largest error of some findings, red where it is too large."""
    if not findings:
        return Text("")
    told = max(findings, key=lambda f: f.error / f.bound)
    return Text(f"{told.error:.1e}", style="" if told.ok else "red")


def _element(element: Element | None, exact: bool = False) -> tuple[str, str, str]:
    """Return an element's index and its two numbers; exact: so that they can be told apart."""
    if element is None:
        return "", "", ""
    index, ours, theirs = ",".join(map(str, element.index)), element.ours, element.theirs
    digits = 4 if not exact else 12 if abs(ours - theirs) < 1e-4 * abs(theirs) else 5
    return index, f"{ours:.{digits}g}", f"{theirs:.{digits}g}"


def _verdict(verdict: str) -> Text:
    return Text(verdict, style=VERDICTS[verdict])
