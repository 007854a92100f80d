"""The compiled engine: runs a network's training step as one program of machine code."""

from handgrad.engines.compiled.engine import CompiledEngine

__all__ = ["CompiledEngine"]
