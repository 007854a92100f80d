"""The tiles that do nearly all of the arithmetic, written so that their sums stay in registers.

Numba makes vectors of plain loops well, but does not keep a tile of sums in registers, and that is
what brings a product from 50 to 110 GFLOP/s on a core. Strides count elements.
"""

from __future__ import annotations

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
    compress,
    constant,
    fma,
    full_or_partial,
    horizontal_sum,
    indexed_row,
    int_vector,
    load,
    loop,
    loop_at_least_once,
    offset_pointer,
    returns_nothing,
    store,
    tuple_members,
)

types: Any = numba.types  # which says nothing about what it is called with


@intrinsic
def product_tile(
    typingctx: Any,
    ROWS: Any,
    COLUMNS: Any,
    start: Any,
    size: Any,
    A: Any,
    a: Any,
    B: Any,
    b: Any,
    C: Any,
    c: Any,
    sums: Any,
) -> Any:
    """A tile of a matrix product whose columns are vectors.

    C[r, v] = start + Σₛ Σₜ … A[r·a₀ + s·a₁ + t·a₂ + …] · B[v·b₀ + s·b₁ + t·b₂ + … + lane]

    for r < ROWS and v < COLUMNS, s < sums₀, t < sums₁, …; C[r, v] lies at r·c₀ + v·c₁. Rows and
    columns past `size` are those at its end once more. One sum is made in the order of s, t, …

    Args:
        typingctx: Numba's.
        ROWS: how many rows the tile has, a constant.
        COLUMNS: how many vectors side by side, a constant.
        start: where sums start: None at zero, a pointer at one number for each row, True at C.
        size: how many rows and columns are left.
        A: numbers that are each broadcast over a vector.
        a: its strides, (a₀, a₁, a₂, …).
        B: vectors.
        b: its strides, (b₀, b₁, b₂, …).
        C: vectors.
        c: its strides (c₀, c₁).
        sums: how many terms in each loop, the outermost first, each at least 1.
    """
    rows, columns = ROWS.literal_value, COLUMNS.literal_value

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        _, _, first, size, A, a, B, b, C, c, sums = args
        size, a, b, c, sums = (tuple_members(builder, t) for t in (size, a, b, c, sums))

        def tile(row: Sequence[Value], column: Sequence[Value]) -> None:
            row_of_A = [builder.mul(r, a[0]) for r in row]
            column_of_B = [builder.mul(v, b[0]) for v in column]
            targets = [
                offset_pointer(builder, C, builder.mul(r, c[0]), builder.mul(v, c[1]))
                for r in row
                for v in column
            ]
            if isinstance(start, types.CPointer):
                heads = [broadcast(builder, builder.load(builder.gep(first, [r]))) for r in row]
                begin = [head for head in heads for _ in column]
            elif isinstance(start, types.NoneType):
                begin = [ir.Constant(VECTOR, [0.0] * LANES)] * len(targets)
            else:
                begin = [load(builder, target) for target in targets]

            def add(A_s: Value, B_s: Value, so_far: Sequence[Value]) -> Sequence[Value]:
                vectors = [load(builder, builder.gep(B_s, [v])) for v in column_of_B]
                factors = [
                    broadcast(builder, builder.load(builder.gep(A_s, [r]))) for r in row_of_A
                ]
                pairs = [(factor, vector) for factor in factors for vector in vectors]
                return [
                    fma(builder, *pair, total) for pair, total in zip(pairs, so_far, strict=True)
                ]

            def loop(n: int, A_n: Value, B_n: Value, so_far: Sequence[Value]) -> Sequence[Value]:
                if n == len(sums):
                    return add(A_n, B_n, so_far)

                def body(s: Value, so_far: Sequence[Value]) -> Sequence[Value]:
                    A_s = builder.gep(A_n, [builder.mul(s, a[n + 1])])
                    B_s = builder.gep(B_n, [builder.mul(s, b[n + 1])])
                    return loop(n + 1, A_s, B_s, so_far)

                return loop_at_least_once(builder, sums[n], so_far, body)

            for target, total in zip(targets, loop(0, A, B, begin), strict=True):
                store(builder, target, total)

        full_or_partial(builder, (rows, columns), size, tile)

    return types.void(ROWS, COLUMNS, start, size, A, a, B, b, C, c, sums), returns_nothing(generate)


@intrinsic
def dot_tile(
    typingctx: Any,
    ROWS: Any,
    COLUMNS: Any,
    size: Any,
    A: Any,
    a: Any,
    B: Any,
    b: Any,
    C: Any,
    c: Any,
    sums: Any,
    offsets: Any,
) -> Any:
    """A tile of sums over vectors, lanes included.

    C[r·c + v] = Σₜ Σₛ Σ_lane A[r·a₀ + t·a₁ + s·a₂ + lane] · B[offsets[v] + t·b₁ + s·b₂ + lane]

    for r < ROWS and v < COLUMNS, t < sums₀, s < sums₁. Rows and columns past `size` are those at
    its end once more.
    """
    rows, columns = ROWS.literal_value, COLUMNS.literal_value

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        _, _, size, A, a, B, b, C, c, sums, offsets = args
        size, a, b, sums = (tuple_members(builder, t) for t in (size, a, b, sums))

        def tile(row: Sequence[Value], column: Sequence[Value]) -> None:
            row_of_A = [builder.mul(r, a[0]) for r in row]
            column_of_B = [builder.load(builder.gep(offsets, [v])) for v in column]

            def outer(t: Value, sums_so_far: Sequence[Value]) -> Sequence[Value]:
                A_t = builder.gep(A, [builder.mul(t, a[1])])
                B_t = builder.gep(B, [builder.mul(t, b[0])])

                def inner(s: Value, sums_so_far: Sequence[Value]) -> Sequence[Value]:
                    A_s = builder.gep(A_t, [builder.mul(s, a[2])])
                    B_s = builder.gep(B_t, [builder.mul(s, b[1])])
                    left = [load(builder, builder.gep(A_s, [r])) for r in row_of_A]
                    right = [load(builder, builder.gep(B_s, [v])) for v in column_of_B]
                    pairs = [(x, y) for x in left for y in right]
                    return [
                        fma(builder, *pair, total)
                        for pair, total in zip(pairs, sums_so_far, strict=True)
                    ]

                return loop_at_least_once(builder, sums[1], sums_so_far, inner)

            zeros = [ir.Constant(VECTOR, [0.0] * LANES)] * (rows * columns)
            totals = iter(loop_at_least_once(builder, sums[0], zeros, outer))
            for r in row:
                for v in column:
                    target = offset_pointer(builder, C, builder.mul(r, c), v)
                    builder.store(horizontal_sum(builder, next(totals)), target)

        full_or_partial(builder, (rows, columns), size, tile)

    return types.void(ROWS, COLUMNS, size, A, a, B, b, C, c, sums, offsets), returns_nothing(
        generate
    )


@intrinsic
def gather_tile(
    typingctx: Any, VECTORS: Any, W: Any, w: Any, places: Any, values: Any, count: Any, Y: Any
) -> Any:
    """A row of a matrix product with a sparse vector.

    Y[v] += Σₑ values[e] · W[places[e]·w + v]        e < count

    for v < VECTORS. Four sums are made side by side where there are few vectors, so that one
    addition need not wait for the last.
    """
    vectors = VECTORS.literal_value
    beside = max(1, 4 // vectors)

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        _, W, w, places, values, count, Y = args
        targets = [builder.gep(Y, [constant(v * LANES)]) for v in range(vectors)]

        def add(entry: Value, sums: Sequence[Value]) -> list[Value]:
            row = indexed_row(builder, W, w, places, entry)
            value = broadcast(builder, builder.load(builder.gep(values, [entry])))
            weights = [
                load(builder, builder.gep(row, [constant(v * LANES)])) for v in range(vectors)
            ]
            return [fma(builder, value, weights[v], sums[v]) for v in range(vectors)]

        def several(e: Value, tile: Sequence[Value]) -> Sequence[Value]:
            first = builder.mul(e, constant(beside))
            sums: list[Value] = []
            for k in range(beside):
                part = tile[k * vectors : (k + 1) * vectors]
                sums += add(builder.add(first, constant(k)), part)
            return sums

        rounds = builder.sdiv(count, constant(beside))
        done = builder.mul(rounds, constant(beside))
        begin = [load(builder, target) for target in targets]
        begin += [ir.Constant(VECTOR, [0.0] * LANES)] * (vectors * (beside - 1))
        totals = list(loop(builder, rounds, begin, several))
        for k in range(1, beside):
            for v in range(vectors):
                totals[v] = builder.fadd(totals[v], totals[k * vectors + v])
        rest: Sequence[Value] = totals[:vectors]
        if beside > 1:
            rest = loop(
                builder,
                builder.sub(count, done),
                rest,
                lambda e, sums: add(builder.add(done, e), sums),
            )
        for target, total in zip(targets, rest, strict=True):
            store(builder, target, total)

    return types.void(VECTORS, W, w, places, values, count, Y), returns_nothing(generate)


@intrinsic
def scatter_tile(
    typingctx: Any, VECTORS: Any, G: Any, g: Any, places: Any, values: Any, count: Any, dY: Any
) -> Any:
    """A sparse vector times a row, added to the rows of a matrix.

    G[places[e]·g + v] += values[e] · dY[v]        e < count

    for v < VECTORS: the transpose of `gather_tile`.
    """
    vectors = VECTORS.literal_value

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        _, G, g, places, values, count, dY = args
        row = [load(builder, builder.gep(dY, [constant(v * LANES)])) for v in range(vectors)]

        def body(e: Value, _: Sequence[Value]) -> Sequence[Value]:
            target = indexed_row(builder, G, g, places, e)
            value = broadcast(builder, builder.load(builder.gep(values, [e])))
            for v in range(vectors):
                place = builder.gep(target, [constant(v * LANES)])
                store(builder, place, fma(builder, value, row[v], load(builder, place)))
            return []

        loop(builder, count, [], body)

    return types.void(VECTORS, G, g, places, values, count, dY), returns_nothing(generate)


@intrinsic
def outer_tile(typingctx: Any, VECTORS: Any, G: Any, g: Any, X: Any, count: Any, dY: Any) -> Any:
    """A vector times a row, added to the rows of a matrix.

    G[i·g + v] += X[i] · dY[v]        i < count

    for v < VECTORS: `scatter_tile` for a vector that is not sparse.
    """
    vectors = VECTORS.literal_value

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        _, G, g, X, count, dY = args
        row = [load(builder, builder.gep(dY, [constant(v * LANES)])) for v in range(vectors)]

        def body(i: Value, _: Sequence[Value]) -> Sequence[Value]:
            target = builder.gep(G, [builder.mul(i, g)])
            value = broadcast(builder, builder.load(builder.gep(X, [i])))
            for v in range(vectors):
                place = builder.gep(target, [constant(v * LANES)])
                store(builder, place, fma(builder, value, row[v], load(builder, place)))
            return []

        loop(builder, count, [], body)

    return types.void(VECTORS, G, g, X, count, dY), returns_nothing(generate)


@intrinsic
def compress_tile(
    typingctx: Any, pixels: Any, first: Any, scale: Any, places: Any, values: Any
) -> Any:
    """The pixels of 16 that are not zero, put one after another; return how many.

    places = first + i and values = pixels[i] · scale[i], for each i < 16 where pixels[i] ≠ 0.
    What lies after them is overwritten: there must be room for 16.
    """
    whole = pixels.dtype == types.uint8

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> Value:
        pixels, first, scale, places, values = args
        ints = ir.VectorType(ir.IntType(32), LANES)
        if whole:
            bytes_ = ir.VectorType(ir.IntType(8), LANES)
            raw = builder.load(builder.bitcast(pixels, bytes_.as_pointer()), align=1)
            found = builder.icmp_unsigned("!=", raw, ir.Constant(bytes_, [0] * LANES))
            x = builder.uitofp(raw, VECTOR)
        else:
            x = load(builder, pixels)
            found = builder.fcmp_unordered("!=", x, ir.Constant(VECTOR, [0.0] * LANES))
        x = builder.fmul(x, load(builder, scale))
        start = builder.insert_element(
            ir.Constant(ints, ir.Undefined),
            builder.trunc(first, ir.IntType(32)),
            ir.Constant(ir.IntType(32), 0),
        )
        start = builder.shuffle_vector(
            start, ir.Constant(ints, ir.Undefined), int_vector([0] * LANES)
        )
        place = builder.add(start, int_vector(range(LANES)))
        store(builder, values, compress(builder, x, found, "f32"))
        target = builder.bitcast(places, ints.as_pointer())
        builder.store(compress(builder, place, found, "i32"), target, align=4)
        return builder.zext(
            builder.ctpop(builder.bitcast(found, ir.IntType(LANES))), ir.IntType(64)
        )

    return types.int64(pixels, types.int64, scale, places, values), generate


@intrinsic
def transpose_tile(typingctx: Any, X: Any, x: Any, Y: Any, y: Any) -> Any:
    """16 rows of 16 numbers, turned into columns: Y[i·y + j] = X[j·x + i]."""

    def generate(context: Any, builder: Builder, _signature: Any, args: Any) -> None:
        X, x, Y, y = args
        rows = [load(builder, builder.gep(X, [builder.mul(x, constant(i))])) for i in range(LANES)]
        half = LANES // 2
        while half:
            low = [LANES + c - half if c & half else c for c in range(LANES)]
            high = [LANES + c if c & half else c + half for c in range(LANES)]
            for i in range(LANES):
                if not i & half:
                    above, below = rows[i], rows[i + half]
                    rows[i] = builder.shuffle_vector(above, below, int_vector(low))
                    rows[i + half] = builder.shuffle_vector(above, below, int_vector(high))
            half //= 2
        for i in range(LANES):
            store(builder, builder.gep(Y, [builder.mul(y, constant(i))]), rows[i])

    return types.void(X, types.int64, Y, types.int64), returns_nothing(generate)
