"""The compiled engine: a network's training step, as one program in machine code."""

from handgrad.engines.compiled.engine import CompiledEngine

__all__ = ["CompiledEngine"]
