"""Operations on one vector of 16 lanes, for loops that Numba does not vectorize."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numba
from llvmlite import ir

from handgrad.engines.compiled.kernels.decorators import intrinsic
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.llvm import (
    VECTOR,
    Builder,
    Value,
    broadcast,
    fma,
    int_vector,
    load,
    loop,
    returns_nothing,
    store,
    tuple_members,
)

types: Any = numba.types  # untyped in Numba's stubs

_INTS = ir.VectorType(ir.IntType(32), LANES)


@intrinsic
def add_vector(typingctx: Any, Y: Any, scale: Any, X: Any) -> Any:
    """Y += scale · X."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        Y, scale, X = args
        store(
            builder, Y, fma(builder, broadcast(builder, scale), load(builder, X), load(builder, Y))
        )

    return types.void(Y, types.float32, X), returns_nothing(generate)


@intrinsic
def multiply_vector(typingctx: Any, X: Any, M: Any) -> Any:
    """X *= M."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        X, M = args
        store(builder, X, builder.fmul(load(builder, X), load(builder, M)))

    return types.void(X, M), returns_nothing(generate)


@intrinsic
def window_max(
    typingctx: Any, X: Any, x: Any, size: Any, number: Any, line: Any, Y: Any, argmax: Any
) -> Any:
    """Y = max X[i·x₀ + j·x₁] over i < size₀, j < size₁        argmax = number + i·line + j

    If several elements have the maximal value, argmax refers to the first of them. NaN propagates
    to Y.
    """

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        X, x, size, number, line, Y, argmax = args
        x, size = tuple_members(builder, x), tuple_members(builder, size)

        def row(i: Value, best: Sequence[Value]) -> Sequence[Value]:
            X_i = builder.gep(X, [builder.mul(i, x[0])])
            number_i = builder.add(number, builder.mul(i, line))

            def place(j: Value, best: Sequence[Value]) -> Sequence[Value]:
                y, best_number = best
                new = load(builder, builder.gep(X_i, [builder.mul(j, x[1])]))
                larger = builder.fcmp_ordered(">", new, y)
                taken = builder.or_(larger, builder.fcmp_unordered("uno", new, new))
                candidate = _broadcast_int(builder, builder.add(number_i, j))
                return [
                    builder.select(taken, new, y),
                    builder.select(larger, candidate, best_number),
                ]

            return loop(builder, size[1], best, place)

        begin = [ir.Constant(VECTOR, [-math.inf] * LANES), ir.Constant(_INTS, [0] * LANES)]
        y, best_number = loop(builder, size[0], begin, row)
        store(builder, Y, y)
        _store_ints(builder, argmax, best_number)

    return types.void(X, x, size, number, line, Y, argmax), returns_nothing(generate)


@intrinsic
def add_where_argmax(typingctx: Any, argmax: Any, number: Any, dY: Any, dX: Any) -> Any:
    """In each lane whose argmax equals `number`, add dY to dX."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        argmax, number, dY, dX = args
        share = _where_argmax(builder, argmax, number, dY)
        store(builder, dX, builder.fadd(load(builder, dX), share))

    return types.void(argmax, types.int64, dY, dX), returns_nothing(generate)


@intrinsic
def set_where_argmax(typingctx: Any, argmax: Any, number: Any, dY: Any, dX: Any) -> Any:
    """In each lane, set dX to dY if the argmax equals `number`, and to 0 otherwise."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        argmax, number, dY, dX = args
        store(builder, dX, _where_argmax(builder, argmax, number, dY))

    return types.void(argmax, types.int64, dY, dX), returns_nothing(generate)


def _where_argmax(builder: Builder, argmax: Value, number: Value, dY: Value) -> Value:
    is_argmax = builder.icmp_signed(
        "==", _load_ints(builder, argmax), _broadcast_int(builder, number)
    )
    return builder.select(is_argmax, load(builder, dY), ir.Constant(VECTOR, [0.0] * LANES))


def _load_ints(builder: Builder, pointer: Any) -> Any:
    return builder.load(builder.bitcast(pointer, _INTS.as_pointer()), align=4)


def _store_ints(builder: Builder, pointer: Any, vector: Value) -> None:
    builder.store(vector, builder.bitcast(pointer, _INTS.as_pointer()), align=4)


def _broadcast_int(builder: Builder, number: Any) -> Any:
    nothing = ir.Constant(_INTS, ir.Undefined)
    first = builder.trunc(number, ir.IntType(32))
    vector = builder.insert_element(nothing, first, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(vector, nothing, int_vector([0] * LANES))
