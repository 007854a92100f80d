"""The engine for `engine="auto"`: the compiled engine, with a fallback if Numba fails."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray

from handgrad.engines.compiled.engine import CompiledEngine
from handgrad.engines.compiled.jit.libraries import CannotCompileError
from handgrad.engines.protocol import BatchStream, StepResults
from handgrad.engines.reference import say_slower
from handgrad.layers import Array


class CompiledOrReference(CompiledEngine):
    """A compiled engine that falls back to the reference engine if kernels cannot be compiled.

    If a kernel is not in the cache and cannot be compiled, the engine logs one warning with the
    reason. From then on, all `CompiledOrReference` engines in the process use the reference engine.
    Cached kernels run without Numba, so no warning is logged if all kernels are cached.
    """

    _failure: ClassVar[str | None] = None

    def run(self, batches: BatchStream) -> StepResults:
        """Make one update per batch; return each batch's loss and number of correct predictions."""
        if self._failure is None:
            try:
                return super().run(batches)
            except CannotCompileError as error:  # raised before the first step
                self._fall_back(error)
        return self._run_reference(batches)

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), computed in inference mode."""
        if self._failure is None:
            try:
                return super().logits(X)
            except CannotCompileError as error:
                self._fall_back(error)
        return self.net.logits(X)

    def _fall_back(self, error: CannotCompileError) -> None:
        """Use the reference engine from now on, and log one warning."""
        CompiledOrReference._failure = error.reason
        say_slower(error.reason)
