"""The compiled engine: turns a network's training step into one program of machine code."""

from handgrad.engines.compiled.engine import CompiledEngine

__all__ = ["CompiledEngine"]
