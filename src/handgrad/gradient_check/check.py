"""The check: our gradients before all witnesses, and the witnesses before spoilt gradients."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from threadpoolctl import threadpool_limits

from handgrad.gradient_check import autograd
from handgrad.gradient_check import finite_differences as differences
from handgrad.gradient_check import golden_gradients as frozen
from handgrad.gradient_check import large_inputs as far
from handgrad.gradient_check import linearity as linear
from handgrad.gradient_check.controls import Control, controls, replace_leaves
from handgrad.gradient_check.diagnosis import Cause, likely_causes
from handgrad.gradient_check.finite_differences import depends_on, every_element
from handgrad.gradient_check.oracle import Finding, Witness, judge, negligible
from handgrad.gradient_check.target import SAMPLE, Point, Subject
from handgrad.gradient_check.user_layer import at_its_line

EXPLAINED = 5000  # elements of a batch beyond which no cause is looked for


class Verdict(StrEnum):
    """What a check comes to.

    Where a gradient is zero, so is each one spoilt, and there is nothing to prove: an output that
    depends on nothing, or jumps from one value to the next, has no slope to be right about. The
    same holds of one that is too small beside the others to be told from zero.
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
        verdicts = {self.verdict_on(finding.tensor) for finding in self.findings}
        worst = (Verdict.WRONG, Verdict.NOTHING, Verdict.RIGHT)
        return next((verdict for verdict in worst if verdict in verdicts), Verdict.NOTHING)

    def verdict_on(self, tensor: str) -> Verdict:
        """What is to be said of one gradient."""
        if any(finding.tensor == tensor for finding in self.wrong):
            return Verdict.WRONG
        shown = any(control.tensor == tensor for control in self.controls)
        return Verdict.RIGHT if shown else Verdict.NOTHING

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
    point, near = hear(subject, training, seed)
    asked = [(point, witness) for witness in near]
    if all(finding.ok for witness in near for finding in judge(witness)):
        asked.append((point, linear.witness(subject, point)))
        if subject.elements > SAMPLE:  # a network's layers are judged far out by themselves
            asked += far.witnesses(subject, seed, training)
    findings = tuple(finding for _, witness in asked for finding in judge(witness))
    shown = [control for _, witness in asked for control in controls(witness)]
    zero = [name for name in negligible(near[0]) if not depends_on(subject, point, name)]
    shown += [control for witness in near for control in replace_leaves(witness, zero)]
    causes = next(filter(None, (_causes(subject, *one) for one in asked)), ())
    return Report(subject.name, training, findings, tuple(shown), causes)


def _causes(subject: Subject, point: Point, witness: Witness) -> tuple[Cause, ...]:
    """Return the likely causes of what a witness rejects at a point."""
    rejected = [finding for finding in judge(witness) if not finding.ok]
    if witness.name == linear.NAME:
        return tuple(linear.cause(finding) for finding in rejected)
    if not rejected or point.X.size > EXPLAINED:
        return ()
    wrong = [finding.tensor for finding in rejected]
    with np.errstate(all="ignore") if witness.name == far.NAME else nullcontext():
        return likely_causes(subject.layer, point, every_element(subject.layer, point), wrong)


def hear(subject: Subject, training: bool, seed: int) -> tuple[Point, list[Witness]]:
    """Return a point, and what those say who know the gradients there."""
    point, first = differences.witness(subject, training, seed)
    witnesses = [first]
    if autograd.at_hand() and autograd.knows(subject.layer):
        from handgrad.gradient_check import rounding

        witnesses += [autograd.witness(subject, point), rounding.witness(subject, point)]
    if training and (kept := frozen.witness(subject)):
        witnesses.append(kept)
    return point, witnesses
