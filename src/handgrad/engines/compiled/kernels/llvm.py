"""Generates LLVM IR for vectors of 16 float32, loops with variables, and partial tiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from llvmlite import ir
from numba.core import cgutils

from handgrad.engines.compiled.kernels.lanes import LANES

_function: Any = cgutils.get_or_insert_function
FLOAT = ir.FloatType()
INT = ir.IntType(64)
VECTOR = ir.VectorType(FLOAT, LANES)
UNDEFINED = ir.Constant(VECTOR, ir.Undefined)

Value: TypeAlias = Any
Builder: TypeAlias = Any


def returns_nothing(generate: Callable[..., None]) -> Callable[..., Value]:
    """Wrap a code generator as an intrinsic function without a return value."""

    def generated(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        generate(context, builder, _signature, args)
        return context.get_dummy_value()

    return generated


def loop_at_least_once(
    builder: Builder,
    count: Value,
    begin: Sequence[Value],
    body: Callable[[Value, Sequence[Value]], Sequence[Value]],
) -> Sequence[Value]:
    """Emit a loop that runs at least once, and return the final values of its variables."""
    before, body_block = builder.block, builder.append_basic_block("loop")
    builder.branch(body_block)
    builder.position_at_end(body_block)
    index = builder.phi(INT)
    carried = [builder.phi(value.type) for value in begin]
    values = body(index, carried)
    following = builder.add(index, constant(1))
    for phi, first, last in zip([index, *carried], [constant(0), *begin], [following, *values]):  # noqa: B905
        phi.add_incoming(first, before)
        phi.add_incoming(last, builder.block)
    done = builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed("<", following, count), body_block, done)
    builder.position_at_end(done)
    return values


def loop(
    builder: Builder,
    count: Value,
    begin: Sequence[Value],
    body: Callable[[Value, Sequence[Value]], Sequence[Value]],
) -> Sequence[Value]:
    """Emit a loop that may run zero times, and return the final values of its variables."""
    before = builder.block
    with builder.if_then(builder.icmp_signed(">", count, constant(0))):
        values = loop_at_least_once(builder, count, begin, body)
        inside = builder.block
    result = []
    for first, last in zip(begin, values, strict=True):
        phi = builder.phi(first.type)
        phi.add_incoming(first, before)
        phi.add_incoming(last, inside)
        result.append(phi)
    return result


def constant(number: int) -> Value:
    """Return a 64-bit integer constant."""
    return ir.Constant(INT, number)


def int_vector(lanes: Sequence[int]) -> Value:
    """Return a constant vector of integers."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))


def tuple_members(builder: Builder, pack: Value) -> list[Value]:
    """Return the LLVM values of a tuple's members."""
    return [builder.extract_value(pack, i) for i in range(len(pack.type))]


def full_or_partial(
    builder: Builder,
    tile: tuple[int, int],
    size: Sequence[Value],
    emit: Callable[[Sequence[Value], Sequence[Value]], None],
) -> None:
    """Emit the code of a tile twice, once for a full tile and once for a partial tile.

    `emit` receives the indices of the tile's rows and columns. For a full tile, the indices are
    constants without a runtime cost. For a partial tile, indices past the end are replaced by the
    last valid index.
    """
    rows, columns = (
        builder.icmp_signed("<=", constant(n), left) for n, left in zip(tile, size, strict=True)
    )
    with builder.if_else(builder.and_(rows, columns)) as (full, partial):
        with full:
            emit(*([constant(i) for i in range(n)] for n in tile))
        with partial:
            emit(
                *(
                    [least(builder, i, left) for i in range(n)]
                    for n, left in zip(tile, size, strict=True)
                )
            )


def least(builder: Builder, number: int, size: Value) -> Value:
    """Return min(number, size − 1)."""
    last = builder.sub(size, constant(1))
    inside = builder.icmp_signed("<", constant(number), last)
    return builder.select(inside, constant(number), last)


def offset_pointer(builder: Builder, pointer: Value, *counts: Value) -> Value:
    """Return a pointer that is advanced by the sum of the given numbers of elements."""
    for count in counts:
        pointer = builder.gep(pointer, [count])
    return pointer


def indexed_row(builder: Builder, W: Value, w: Value, indices: Value, entry: Value) -> Value:
    """Return the pointer to row indices[entry] of W."""
    index = builder.zext(builder.load(builder.gep(indices, [entry])), INT)
    return builder.gep(W, [builder.mul(index, w)])


def load(builder: Builder, pointer: Value) -> Value:
    """Load the vector at a pointer, which need not be aligned."""
    return builder.load(builder.bitcast(pointer, VECTOR.as_pointer()), align=4)


def store(builder: Builder, pointer: Value, vector: Value) -> None:
    """Store a vector at a pointer, which need not be aligned."""
    builder.store(vector, builder.bitcast(pointer, VECTOR.as_pointer()), align=4)


def broadcast(builder: Builder, number: Value) -> Value:
    """Return a vector with the given number in every lane."""
    vector = builder.insert_element(UNDEFINED, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(vector, UNDEFINED, int_vector([0] * LANES))


def fma(builder: Builder, x: Value, y: Value, z: Value) -> Value:
    """Return x·y + z."""
    kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
    function = _function(builder.module, kind, f"llvm.fma.v{LANES}f32")
    return builder.call(function, [x, y, z])


def compress(builder: Builder, vector: Value, chosen: Value, kind: str) -> Value:
    """Return a vector that begins with the elements in the chosen lanes, in their order."""
    name = f"llvm.experimental.vector.compress.v{LANES}{kind}"
    signature = ir.FunctionType(vector.type, [vector.type, chosen.type, vector.type])
    function = _function(builder.module, signature, name)
    return builder.call(function, [vector, chosen, ir.Constant(vector.type, ir.Undefined)])


def horizontal_sum(builder: Builder, vector: Value) -> Value:
    """Return the sum of a vector's lanes, computed by repeatedly adding its two halves."""
    width = LANES
    while width > 1:
        width //= 2
        nothing = ir.Constant(vector.type, ir.Undefined)
        low = builder.shuffle_vector(vector, nothing, int_vector(range(width)))
        high = builder.shuffle_vector(vector, nothing, int_vector(range(width, 2 * width)))
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))
