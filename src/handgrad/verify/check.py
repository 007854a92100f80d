"""The check: our gradients before all witnesses, and the witnesses before spoilt gradients."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum

from threadpoolctl import threadpool_limits

from handgrad.verify import autograd, differences, frozen
from handgrad.verify.causes import Cause, likely_causes
from handgrad.verify.controls import Control, controls
from handgrad.verify.differences import every_element
from handgrad.verify.own import at_its_line
from handgrad.verify.subject import Point, Subject
from handgrad.verify.witness import Finding, Witness, judge

EXPLAINED = 5000  # elements of a batch beyond which no cause is looked for


class Verdict(StrEnum):
    """What a check comes to.

    Where all gradients are zero, so is each one spoilt, and there is nothing to prove: an output
    that depends on nothing, or jumps from one value to the next, has no slope to be right about.
    """

    RIGHT = "right"
    WRONG = "wrong"
    NOTHING = "nothing to prove"


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        name: the layer's or the network's.
        training: in which of the two ways it was run.
        findings: one for each gradient and witness.
        controls: the spoilt gradients that were shown, and what the witnesses said.
        causes: what is likely to be wrong, as far as something was rejected and a cause found.
    """

    name: str
    training: bool
    findings: tuple[Finding, ...]
    controls: tuple[Control, ...]
    causes: tuple[Cause, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every witness accepts every gradient, and rejects every spoilt one."""
        return self.verdict is Verdict.RIGHT and not self.broken

    @property
    def verdict(self) -> Verdict:
        """What is to be said of the gradients, if the check can be trusted."""
        if self.wrong:
            return Verdict.WRONG
        return Verdict.RIGHT if self.controls else Verdict.NOTHING

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """The gradients that were rejected."""
        return tuple(finding for finding in self.findings if not finding.ok)

    @property
    def broken(self) -> tuple[Control, ...]:
        """The spoilt gradients that were accepted: the check itself cannot be trusted."""
        return tuple(control for control in self.controls if not control.rejected)


def check(subject: Subject, *, training: bool = True, seed: int = 0) -> Report:
    """Hold the gradients of a layer or a network against all witnesses at hand.

    Args:
        subject: what to check.
        training: in which of the two ways.
        seed: decides the point.

    Raises:
        ModelError: where the layer has no slope at any point drawn, or the user's file fails.
    """
    watch = at_its_line(subject.file) if subject.file else nullcontext()
    with threadpool_limits(1), watch:  # small products wait longer for a thread than they last
        return _checked(subject, training, seed)


def _checked(subject: Subject, training: bool, seed: int) -> Report:
    """Return the report; see `check`."""
    point, witnesses = hear(subject, training, seed)
    findings = tuple(finding for witness in witnesses for finding in judge(witness))
    shown = tuple(control for witness in witnesses for control in controls(witness))
    causes: tuple[Cause, ...] = ()
    if (wrong := _rejected(findings)) and point.X.size <= EXPLAINED:
        causes = likely_causes(subject.layer, point, every_element(subject.layer, point), wrong)
    return Report(subject.name, training, findings, shown, causes)


def hear(subject: Subject, training: bool, seed: int) -> tuple[Point, list[Witness]]:
    """Return a point, and what all witnesses at hand say."""
    point, first = differences.witness(subject, training, seed)
    witnesses = [first]
    if autograd.at_hand() and autograd.knows(subject.layer):
        from handgrad.verify import rounding

        witnesses += [autograd.witness(subject, point), rounding.witness(subject, point)]
    if training and (kept := frozen.witness(subject)):
        witnesses.append(kept)
    return point, witnesses


def _rejected(findings: Iterable[Finding]) -> list[str]:
    """Return the names of the gradients that a witness rejected, each once."""
    return list(dict.fromkeys(finding.tensor for finding in findings if not finding.ok))
