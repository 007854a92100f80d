"""The types of kernel parameters, and pointer operations: offset, cast and prefetch.

`Floats` point to float32, `Ints` to int64, `Int32s` to int32 and `Bytes` to uint8. A `Double` is a
float64. Kernels do not check bounds. The plan ensures that the sizes are correct.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numba
from llvmlite import ir

from handgrad.engines.compiled.kernels.decorators import intrinsic
from handgrad.engines.compiled.kernels.llvm import FLOAT, INT, Builder, Value, constant

types: Any = numba.types  # untyped in Numba's stubs

Floats: TypeAlias = Any
Ints: TypeAlias = Any
Int32s: TypeAlias = Any
Bytes: TypeAlias = Any
Double: TypeAlias = float
Number: TypeAlias = Any

PARAMETER_TYPES = {
    "Floats": types.CPointer(types.float32),
    "Ints": types.CPointer(types.int64),
    "Int32s": types.CPointer(types.int32),
    "Bytes": types.CPointer(types.uint8),
    "int": types.int64,
    "float": types.float32,
    "Double": types.float64,
}


@intrinsic
def unpack(typingctx: Any, block: Any, kinds: Any) -> Any:
    """Read a kernel's arguments, one 64-bit word each, from memory; return them as a tuple."""
    members = [PARAMETER_TYPES[kind] for kind in kinds.literal_value.split()]
    result = types.Tuple(members)

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        words = builder.bitcast(args[0], INT.as_pointer())
        values = []
        for index, member in enumerate(members):
            word = builder.load(builder.gep(words, [constant(index)]))
            if isinstance(member, types.CPointer):
                word = builder.inttoptr(word, context.get_value_type(member))
            elif member == types.float32:
                word = builder.bitcast(builder.trunc(word, ir.IntType(32)), FLOAT)
            elif member == types.float64:
                word = builder.bitcast(word, ir.DoubleType())
            values.append(word)
        return context.make_tuple(builder, result, values)

    return result(block, kinds), generate


@intrinsic
def at(typingctx: Any, pointer: Any, count: Any) -> Any:
    """Return the pointer advanced by `count` elements."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.int64), generate


@intrinsic
def as_doubles(typingctx: Any, pointer: Any) -> Any:
    """Cast a pointer to a pointer to float64."""
    result = types.CPointer(types.float64)

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        return builder.bitcast(args[0], context.get_value_type(result))

    return result(pointer), generate


@intrinsic
def as_int32(typingctx: Any, pointer: Any) -> Any:
    """Cast a float32 pointer to an int32 pointer, in order to access the bits."""
    result = types.CPointer(types.int32)

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        return builder.bitcast(args[0], context.get_value_type(result))

    return result(pointer), generate


@intrinsic
def prefetch(typingctx: Any, pointer: Any) -> Any:
    """Prefetch the cache line at a pointer. The pointer may be invalid."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        byte = builder.bitcast(args[0], ir.IntType(8).as_pointer())
        name = "llvm.prefetch.p0"
        int32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte.type, int32, int32, int32])
        function: Any = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        builder.call(function, [byte, *(ir.Constant(int32, n) for n in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(pointer), generate


@intrinsic
def float_of_bits(typingctx: Any, bits: Any) -> Any:
    """Return the float32 whose bits are the given 32 bits."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        return builder.bitcast(args[0], FLOAT)

    return types.float32(types.int32), generate
