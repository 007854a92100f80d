"""What is done to one vector of lanes, for loops that Numba does not turn into vectors itself."""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir

from handgrad.engines.compiled.kernels.llvm import (
    VECTOR,
    Builder,
    choice,
    fma,
    load,
    spread,
    store,
    void,
)
from handgrad.engines.compiled.kernels.numba_forms import emitted
from handgrad.engines.compiled.lanes import LANES

types: Any = numba.types  # which says nothing about what it is called with

_INTS = ir.VectorType(ir.IntType(32), LANES)


@emitted
def add_vector(typingctx: Any, Y: Any, scale: Any, X: Any) -> Any:
    """Y += scale · X."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        Y, scale, X = args
        store(builder, Y, fma(builder, spread(builder, scale), load(builder, X), load(builder, Y)))

    return types.void(Y, types.float32, X), void(generate)


@emitted
def multiply_vector(typingctx: Any, X: Any, M: Any) -> Any:
    """X *= M."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        X, M = args
        store(builder, X, builder.fmul(load(builder, X), load(builder, M)))

    return types.void(X, M), void(generate)


@emitted
def take_larger(typingctx: Any, X: Any, tap: Any, Y: Any, winner: Any) -> Any:
    """Y = X and winner = tap where X > Y; NaN is taken, too."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        X, tap, Y, winner = args
        x, y = load(builder, X), load(builder, Y)
        won = _load_ints(builder, winner)
        larger = builder.fcmp_ordered(">", x, y)
        unknown = builder.fcmp_unordered("uno", x, x)
        store(builder, Y, builder.select(builder.or_(larger, unknown), x, y))
        won = builder.select(larger, _spread_int(builder, tap), won)
        builder.store(won, builder.bitcast(winner, _INTS.as_pointer()), align=4)

    return types.void(X, types.int64, Y, winner), void(generate)


@emitted
def give_to_winner(typingctx: Any, winner: Any, tap: Any, dY: Any, dX: Any) -> Any:
    """DX += dY where winner = tap."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        winner, tap, dY, dX = args
        mine = builder.icmp_signed("==", _load_ints(builder, winner), _spread_int(builder, tap))
        zero = ir.Constant(VECTOR, [0.0] * LANES)
        share = builder.select(mine, load(builder, dY), zero)
        store(builder, dX, builder.fadd(load(builder, dX), share))

    return types.void(winner, types.int64, dY, dX), void(generate)


def _load_ints(builder: Builder, pointer: Any) -> Any:
    return builder.load(builder.bitcast(pointer, _INTS.as_pointer()), align=4)


def _spread_int(builder: Builder, number: Any) -> Any:
    nothing = ir.Constant(_INTS, ir.Undefined)
    first = builder.trunc(number, ir.IntType(32))
    vector = builder.insert_element(nothing, first, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(vector, nothing, choice([0] * LANES))
