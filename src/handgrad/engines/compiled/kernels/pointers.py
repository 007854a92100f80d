"""Pointers, and what kernels do with them.

`Floats` point to float32, `Ints` to int64, `Places` to int32, `Bytes` to uint8; a `Double` is a
float64. Nothing is checked: the plan has got the sizes right.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numba
from llvmlite import ir

from handgrad.engines.compiled.kernels.llvm import FLOAT, INT, Builder, Value, constant
from handgrad.engines.compiled.kernels.numba_forms import emitted

types: Any = numba.types  # which says nothing about what it is called with

Floats: TypeAlias = Any
Ints: TypeAlias = Any
Places: TypeAlias = Any
Bytes: TypeAlias = Any
Double: TypeAlias = float
Number: TypeAlias = Any

KINDS = {
    "Floats": types.CPointer(types.float32),
    "Ints": types.CPointer(types.int64),
    "Places": types.CPointer(types.int32),
    "Bytes": types.CPointer(types.uint8),
    "int": types.int64,
    "float": types.float32,
    "Double": types.float64,
}


@emitted
def unpack(typingctx: Any, block: Any, kinds: Any) -> Any:
    """Return a tuple of arguments read from a block of 64-bit words, one word each."""
    members = [KINDS[kind] for kind in kinds.literal_value.split()]
    result = types.Tuple(members)

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        words = builder.bitcast(args[0], INT.as_pointer())
        values = []
        for place, member in enumerate(members):
            word = builder.load(builder.gep(words, [constant(place)]))
            if isinstance(member, types.CPointer):
                word = builder.inttoptr(word, context.get_value_type(member))
            elif member == types.float32:
                word = builder.bitcast(builder.trunc(word, ir.IntType(32)), FLOAT)
            elif member == types.float64:
                word = builder.bitcast(word, ir.DoubleType())
            values.append(word)
        return context.make_tuple(builder, result, values)

    return result(block, kinds), generate


@emitted
def at(typingctx: Any, pointer: Any, count: Any) -> Any:
    """Return the pointer moved on by `count` elements."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.int64), generate


@emitted
def doubles(typingctx: Any, pointer: Any) -> Any:
    """Return the pointer as one to float64."""
    result = types.CPointer(types.float64)

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        return builder.bitcast(args[0], context.get_value_type(result))

    return result(pointer), generate


@emitted
def bits(typingctx: Any, pointer: Any) -> Any:
    """Return the pointer to float32 as one to their bits."""
    result = types.CPointer(types.int32)

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        return builder.bitcast(args[0], context.get_value_type(result))

    return result(pointer), generate


@emitted
def fetch(typingctx: Any, pointer: Any) -> Any:
    """Ask for the cache line at a pointer, which may lie anywhere: it will be needed soon."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        byte = builder.bitcast(args[0], ir.IntType(8).as_pointer())
        name = "llvm.prefetch.p0"
        whole = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte.type, whole, whole, whole])
        function: Any = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        builder.call(function, [byte, *(ir.Constant(whole, n) for n in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(pointer), generate


@emitted
def float_of_bits(typingctx: Any, bits: Any) -> Any:
    """Return the float32 that has the given 32 bits."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        return builder.bitcast(args[0], FLOAT)

    return types.float32(types.int32), generate
