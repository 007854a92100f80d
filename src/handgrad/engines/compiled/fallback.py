"""The compiled engine, or the reference where nothing can be compiled."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray

from handgrad.engines.compiled.engine import CompiledEngine
from handgrad.engines.compiled.jit.libraries import CannotCompileError
from handgrad.engines.protocol import BatchStream, StepResults
from handgrad.engines.reference import say_slower
from handgrad.layers import Array


class CompiledOrReference(CompiledEngine):
    """The compiled engine; where it needs a kernel that cannot be made, it says so and why.

    From then on it does as the reference engine does, as do all others of this process. That
    shows only when there is something to compile: kernels that are kept are run without Numba.
    """

    _trouble: ClassVar[str | None] = None

    def run(self, batches: BatchStream) -> StepResults:
        """Make one update for each batch, and return what came out."""
        if self._trouble is None:
            try:
                return super().run(batches)
            except CannotCompileError as error:  # before the first step
                self._give_in(error)
        return self._by_reference(batches)

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), as they are at inference."""
        if self._trouble is None:
            try:
                return super().logits(X)
            except CannotCompileError as error:
                self._give_in(error)
        return self.net.logits(X)

    def _give_in(self, error: CannotCompileError) -> None:
        CompiledOrReference._trouble = error.trouble
        say_slower(error.trouble)
