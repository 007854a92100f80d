"""The engine of `engine="auto"`: CompiledEngine, or ReferenceEngine if nothing can compile."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray

from handgrad.engines.compiled.engine import CompiledEngine
from handgrad.engines.compiled.jit.libraries import CannotCompileError
from handgrad.engines.protocol import BatchStream, StepResults
from handgrad.engines.reference import say_slower
from handgrad.layers import Array


class CompiledOrReference(CompiledEngine):
    """The compiled engine; without a working compiler, the reference engine's computation.

    The first kernel that is neither in the cache nor compilable causes one warning with the
    reason. From then on all engines of this class in the process compute as the reference engine
    does. Cached kernels run without Numba, so a missing Numba may never be noticed.
    """

    _failure: ClassVar[str | None] = None

    def run(self, batches: BatchStream) -> StepResults:
        """Make one update for each batch, and return the losses and the correct counts."""
        if self._failure is None:
            try:
                return super().run(batches)
            except CannotCompileError as error:  # raised before the first step
                self._fall_back(error)
        return self._run_reference(batches)

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), in inference mode."""
        if self._failure is None:
            try:
                return super().logits(X)
            except CannotCompileError as error:
                self._fall_back(error)
        return self.net.logits(X)

    def _fall_back(self, error: CannotCompileError) -> None:
        """Use the reference computation from now on, and warn once."""
        CompiledOrReference._failure = error.reason
        say_slower(error.reason)
