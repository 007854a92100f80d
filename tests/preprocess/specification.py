"""The steps of docs/format.md in pure Python, written from the page alone; slow, but independent.

An image is a list of rows, a row a list of pixels, and a pixel a list of channels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

Image = list[list[list[int]]]
Cells = set[tuple[int, int]]
ONE = 1 << 15


def rounded(a: int, b: int) -> int:
    return (2 * a + b) // (2 * b)


def percentile(q: int, values: list[int]) -> int:
    return next(v for v in range(256) if 100 * sum(x <= v for x in values) >= q * len(values))


def edges(X: Image, c: int = 0) -> list[int]:
    lines = [X[0], X[-1], [row[0] for row in X], [row[-1] for row in X]]
    return [pixel[c] for line in lines for pixel in line]


def fit(X: Image, h: int, w: int) -> tuple[int, int]:
    H, W = len(X), len(X[0])
    return (h, max(1, rounded(W * h, H))) if h * W <= w * H else (max(1, rounded(H * w, W)), w)


def transposed(X: Image) -> Image:
    return [list(column) for column in zip(*X, strict=True)]


def weights(shares: list[int]) -> list[int]:
    total, so_far, found = sum(shares), 0, []
    for share in shares:
        before, so_far = so_far, so_far + share
        found.append(rounded(ONE * so_far, total) - rounded(ONE * before, total))
    return found


def limited(total: int) -> int:
    return min(max((total + ONE // 2) // ONE, 0), 255)


def filtered(X: Image, matrix: list[list[int]]) -> Image:
    """Each output row is a combination of input rows."""
    return [
        [
            [
                limited(sum(w * X[j][x][c] for j, w in enumerate(row) if w))
                for c in range(len(X[0][0]))
            ]
            for x in range(len(X[0]))
        ]
        for row in matrix
    ]


def resize_shares(n: int, m: int, i: int) -> list[int]:
    if m < n:
        return [max(0, min((i + 1) * n, (j + 1) * m) - max(i * n, j * m)) for j in range(n)]
    p = min(max((2 * i + 1) * n - m, 0), 2 * m * (n - 1))
    return [max(0, 2 * m - abs(p - 2 * m * j)) for j in range(n)]


def cubic_shares(n: int, m: int, i: int) -> list[int]:
    if m < n:
        return resize_shares(n, m, i)
    p, b, shares = (2 * i + 1) * n - m, 2 * m, [0] * n
    for j in range(p // b - 1, p // b + 3):
        t = abs(p - b * j)
        far = 3 * (b - t) * (2 * b - t) ** 2
        near = (b - t) * (4 * b**2 + 4 * b * t - 5 * t**2)
        shares[min(max(j, 0), n - 1)] += near if t <= b else far
    assert sum(shares) == 4 * b**3
    return shares


def resize(X: Image, size: tuple[int, int], shares: Any = resize_shares) -> Image:
    for new in size:
        if new != len(X):
            X = filtered(X, [weights(shares(len(X), new, i)) for i in range(new)])
        X = transposed(X)
    return X


def smooth(X: Image, r: int) -> Image:
    for _ in range(2):
        n = len(X)
        matrix = []
        for i in range(n):
            shares = [0] * n
            for d in range(1 - r, r):
                shares[min(max(i + d, 0), n - 1)] += r - abs(d)
            matrix.append(weights(shares))
        X = transposed(filtered(X, matrix))
    return X


def each(X: Image, change: Any) -> Image:
    return [[[change(v) for v in pixel] for pixel in row] for row in X]


def flat(X: Image) -> list[int]:
    return [v for row in X for pixel in row for v in pixel]


def box(cells: Any) -> tuple[int, int, int, int]:
    """Return the first row, the row after the last, and the same for columns."""
    ys, xs = [y for y, _ in cells], [x for _, x in cells]
    return min(ys), max(ys) + 1, min(xs), max(xs) + 1


def composite_alpha(X: Image, background: str) -> Image:
    C = len(X[0][0]) - 1
    if C not in (1, 3):
        return X
    behind = [255 if background == "white" else 0] * C
    if background == "contrast":
        pixels = [pixel for row in X for pixel in row]
        visible = {
            (y, x): pixel
            for y, row in enumerate(X)
            for x, pixel in enumerate(row)
            if pixel[-1] >= 128
        }
        is_sheet = False
        if visible:
            top, bottom, left, right = box(visible)
            grey = [grayscale([[pixel[:C]]])[0][0][0] for pixel in visible.values()]
            middle, n = percentile(50, grey), len(visible)
            differ = sum(abs(g - middle) >= 64 for g in grey)
            is_sheet = 4 * n >= 3 * (bottom - top) * (right - left) and 200 * differ >= n
        if is_sheet:
            behind = [percentile(50, [p[c] for p in visible.values()]) for c in range(C)]
        else:
            ink = sum(p[c] * p[-1] for p in pixels for c in range(C))
            is_dark = 2 * ink <= 255 * C * sum(p[-1] for p in pixels)
            behind = [255 if is_dark else 0] * C
    return [
        [[(p[c] * p[-1] + behind[c] * (255 - p[-1]) + 127) // 255 for c in range(C)] for p in row]
        for row in X
    ]


def grayscale(X: Image) -> Image:
    if len(X[0][0]) == 1:
        return X
    return [
        [[(19595 * r + 38470 * g + 7471 * b + (1 << 15)) >> 16] for r, g, b in row] for row in X
    ]


def undo_upscale(X: Image) -> Image:
    def runs(rows: Image) -> list[int]:
        lengths = [1]
        for before, row in pairwise(rows):
            if row == before:
                lengths[-1] += 1
            else:
                lengths.append(1)
        return lengths

    down, across = runs(X), runs(transposed(X))
    inner = down[1:-1] + across[1:-1]
    if not inner or min(inner) == 1:
        return X
    s, b = min(inner), 1
    for _ in range(2):
        s, b = sum(inner), sum(rounded(length * b, s) for length in inner)
    u = b if s >= 4 * b else 0
    if any(abs(length * b - s * rounded(length * b, s)) > u for length in inner):
        return X
    for lengths in (down, across):
        rows, end = [], 0
        for length in lengths:
            end += length
            rows += [X[end - 1]] * max(1, rounded(length * b, s))
        X = transposed(rows)
    return X


def denoise(X: Image, side: int) -> Image:
    H, W = len(X), len(X[0])
    k = min(max(H, W) // side, H, W)
    pairs = [a == b for row in X for p, q in pairwise(row) for a, b in zip(p, q, strict=True)]
    if k < 2 or 2 * sum(pairs) > len(pairs):
        return X
    cropped = [row[: W // k * k] for row in X[: H // k * k]]
    return resize(cropped, (H // k, W // k))


def resize_step(X: Image, height: int, width: int, keep_aspect: bool) -> Image:
    if not keep_aspect:
        return resize(X, (height, width))
    h, w = fit(X, height, width)
    inner = resize(X, (h, w))
    colour = [percentile(50, edges(X, c)) for c in range(len(X[0][0]))]
    top, left = (height - h) // 2, (width - w) // 2
    return [
        [
            inner[y - top][x - left] if top <= y < top + h and left <= x < left + w else colour
            for x in range(width)
        ]
        for y in range(height)
    ]


def invert_dark_ink(X: Image, sheet: bool) -> Image:
    H, W = len(X), len(X[0])
    e, m = percentile(50, edges(X)), percentile(50, flat(X))
    lines = [X[0], X[-1], [row[0] for row in X], [row[-1] for row in X]]
    t, u, left, right = (percentile(50, [p[0] for p in line]) for line in lines)

    def difference(background: Any) -> list[int]:
        found = [X[i][j][0] - background(i, j) for i in range(H) for j in range(W)]
        return [0 if abs(d) < 32 else d for d in found]

    uniform = sum(abs(v - e) < 32 for v in edges(X))
    reaches = any(abs(side - m) < 32 for side in (t, u, left, right))
    if sheet and abs(m - e) >= 64 and (10 * uniform >= 9 * len(edges(X)) or reaches):
        balance = sum(difference(lambda _i, _j: m))
    else:
        d = difference(lambda _i, _j: e)
        balance = sum(d)
        if H > 2 and W > 2 and 2 * abs(balance) < sum(map(abs, d)):
            balance = sum(
                difference(
                    lambda i, j: (
                        rounded(t * (H - 1) + (u - t) * i, H - 1)
                        + rounded(left * (W - 1) + (right - left) * j, W - 1)
                        - rounded(t + u + left + right, 4)
                    )
                )
            )
    return each(X, lambda v: 255 - v) if balance < 0 else X


def subtract_background(X: Image, max_noise: int = 255) -> Image:
    H, W = len(X), len(X[0])
    Y = resize(X, fit(X, 64, 64)) if max(H, W) > 64 else X
    for pick in (min, max):
        h, w = len(Y), len(Y[0])
        Y = [
            [
                [
                    pick(
                        Y[a][b][0]
                        for a in range(max(0, i - 7), min(h, i + 8))
                        for b in range(max(0, j - 7), min(w, j + 8))
                    )
                ]
                for j in range(w)
            ]
            for i in range(h)
        ]
    G = resize(smooth(Y, 12), (H, W))
    D = [[[max(X[i][j][0] - G[i][j][0], 0)] for j in range(W)] for i in range(H)]
    p, q = percentile(16, flat(D)), percentile(50, flat(D))
    n = min(q + 3 * (q - p), max_noise)
    return each(D, lambda v: max(v - n, 0))


def otsu(X: Image) -> int:
    values = flat(X)
    N, S = len(values), sum(values)
    best, place = -1.0, 0
    for t in range(256):
        below = [v for v in values if v <= t]
        n, s = len(below), sum(below)
        d = float(S * n - s * N)
        score = d * d / float(n * (N - n)) if n * (N - n) else 0.0
        if score > best:
            best, place = score, t
    return place


def components(cells: Cells) -> list[Cells]:
    left, found = set(cells), []
    for start in sorted(cells):
        if start in left:
            part, new = set(), [start]
            left.discard(start)
            while new:
                y, x = new.pop()
                part.add((y, x))
                for near in ((y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1)):
                    if near in left:
                        left.discard(near)
                        new.append(near)
            found.append(part)
    return found


def lines_across(part: Cells, b: int, w: int) -> tuple[Cells, Cells]:
    """Return the cells in lines across, and those of them that are crossed."""
    length = max(1, b // 2 if 20 * b >= 19 * w else 4 * b // 5)
    near = {(y + a, x) for y, x in part for a in (-1, 0, 1)}
    lines = {
        (y, x)
        for y, x in part
        if any(
            all((y, x0 + k) in near for k in range(length)) for x0 in range(x - length + 1, x + 1)
        )
    }
    lines = {
        (y, x)
        for y, x in lines
        if not any(all((y0 + k, x) in part for k in range(7)) for y0 in range(y - 6, y + 1))
    }
    rest = part - lines
    crossed = {
        (y, x)
        for y, x in lines
        if any((y - k, x) in rest for k in (1, 2, 3)) and any((y + k, x) in rest for k in (1, 2, 3))
    }
    return lines, crossed


def groups(cells: Cells) -> int:
    rows = {y for y, _ in cells}
    return sum(y - 1 not in rows for y in rows)


def turned(cells: Cells) -> Cells:
    return {(x, y) for y, x in cells}


def edge_cells(ink: Cells, h: int, w: int) -> Cells:
    found: Cells = set()
    for part in components(ink):
        rows, columns = [y for y, _ in part], [x for _, x in part]
        corners = {(0, 0), (0, w - 1), (h - 1, 0), (h - 1, w - 1)}
        if (
            part & corners
            or any(2 * rows.count(y) >= w for y in (0, h - 1))
            or any(2 * columns.count(x) >= h for x in (0, w - 1))
        ):
            found |= part
    return found


def sides_around(part: Cells, ink: Cells) -> int:
    top, bottom, left, right = box(part)
    inside = {(y, x) for y, x in ink - part if top < y < bottom - 1 and left < x < right - 1}
    if not inside:
        return 0
    t, u, l, r = box(inside)
    row = [x for y, x in part if y == (t + u) // 2]
    column = [y for y, x in part if x == (l + r) // 2]
    sides = any(x < l for x in row) + any(x >= r for x in row)
    sides += any(y < t for y in column) + any(y >= u for y in column)
    return sides if 4 * (u - t) >= bottom - top else 0


def frame_cells(ink: Cells, h: int, w: int) -> Cells:
    found: Cells = set()
    for part in components(ink):
        top, bottom, left, right = box(part)
        a, b = bottom - top, right - left
        if max(a, b) < max(h, w) // 8:
            continue
        sides = sides_around(part, ink)
        if sides == 4:
            found |= part | {
                (y, x) for y, x in ink if not (top <= y < bottom and left <= x < right)
            }
            continue
        across, crossed = lines_across(part, b, w)
        down, crossed_down = (turned(x) for x in lines_across(turned(part), a, h))
        counts = groups(across), groups(turned(down))
        if sides == 3 and min(counts) >= 1 and sum(counts) >= 3:
            found |= part
            continue
        two, two_down = (count >= 2 for count in counts)
        lines: Cells = set()
        if two and (two_down or 20 * b >= 19 * w):
            lines |= across - crossed
        if two_down and (two or 20 * a >= 19 * h):
            lines |= down - crossed_down
        if lines:
            found |= lines
            for rest in components(part - lines):
                t, u, l, r = box(rest)
                if min(u - t, r - l) <= 2:
                    found |= rest
    return found


def line_cells(ink: Cells, h: int, _w: int) -> Cells:
    lines = []
    for part in components(ink):
        top, bottom, left, right = box(part)
        a, b = bottom - top, right - left
        if b >= 5 * a or (a >= 5 * b and 10 * a >= 9 * h):
            lines.append((part, a, b, top))
    rest = ink.difference(*(part for part, *_ in lines))
    if not rest:
        return set()
    t, u, l, r = box(rest)
    a_, b_ = u - t, r - l
    found: Cells = set()
    for part, a, b, top in lines:
        if b >= 5 * a:
            is_outside = 6 * a_ >= b and (4 * b >= 5 * b_ or (top >= u and 5 * b >= 3 * b_))
        else:
            is_outside = 6 * a_ >= h
        if is_outside:
            found |= part
    return found


def remove_lines(X: Image, min_side: int) -> Image:
    H, W = len(X), len(X[0])
    M = max(H, W)
    if min_side > M:
        return X
    h, w = (max(1, 128 * n // M) if M > 128 else n for n in (H, W))
    threshold = otsu(X) // 2

    def cell(i: int, j: int) -> tuple[int, int]:
        return i * h // H, j * w // W

    ink = {cell(i, j) for i in range(H) for j in range(W) if X[i][j][0] > threshold}
    kept = ink
    for find in (edge_cells, frame_cells, line_cells):
        rest = kept - find(kept, h, w)
        if rest:
            (t, u, l, r), (top, bottom, _, _) = box(rest), box(kept)
            if 6 * max(u - t, r - l) >= bottom - top:
                kept = rest
    gone = {(y + a, x + b) for y, x in ink - kept for a in (-1, 0, 1) for b in (-1, 0, 1)} - kept
    return [[[0] if cell(i, j) in gone else X[i][j] for j in range(W)] for i in range(H)]


def crop_to_ink(X: Image) -> Image:
    limit = max(flat(X)) // 8
    cells = [(y, x) for y, row in enumerate(X) for x, pixel in enumerate(row) if pixel[0] > limit]
    if not cells:
        return X
    top, bottom, left, right = box(cells)
    return [row[left:right] for row in X[top:bottom]]


def upscale(X: Image, min_side: int, side: int) -> Image:
    if min_side <= max(len(X), len(X[0])):
        return X
    rows = [[[0], *row, [0]] for row in X]
    blank = [[0]] * len(rows[0])
    padded = [blank, *rows, blank]
    return resize(padded, fit(padded, side, side), cubic_shares)


def binarize(X: Image, min_side: int, speck: int = 0) -> Image:
    H, W = len(X), len(X[0])
    if max(H, W) < min_side:
        return X
    threshold = otsu(X)
    ink = {(i, j) for i in range(H) for j in range(W) if X[i][j][0] > threshold}

    def count(i: int, j: int) -> int:
        return sum((i + a, j + b) in ink for a in range(-2, 3) for b in range(-2, 3))

    return [
        [[255 if (i, j) in ink and (not speck or count(i, j) > speck) else 0] for j in range(W)]
        for i in range(H)
    ]


def stretch_contrast(X: Image) -> Image:
    ink = [v for v in flat(X) if v > 0]
    t = percentile(80, ink) if ink else 255
    return X if t >= 250 else each(X, lambda v: min(255, rounded(255 * v, t)))


def center_by_mass(X: Image, side: int) -> Image:
    H, W, C = len(X), len(X[0]), len(X[0][0])
    mass = [[sum(pixel) for pixel in row] for row in X]
    T = sum(map(sum, mass))
    if T == 0:
        mass, T = [[1] * W for _ in range(H)], H * W
    y = sum(mass[i][j] * (2 * i + 1) for i in range(H) for j in range(W)) // (2 * T)
    x = sum(mass[i][j] * (2 * j + 1) for i in range(H) for j in range(W)) // (2 * T)
    top, left = side // 2 - y, side // 2 - x
    return [
        [
            X[i - top][j - left] if 0 <= i - top < H and 0 <= j - left < W else [0] * C
            for j in range(side)
        ]
        for i in range(side)
    ]


STEPS: dict[str, Any] = {
    "CompositeAlpha": composite_alpha,
    "Grayscale": grayscale,
    "GrayToRGB": lambda X: X if len(X[0][0]) == 3 else [[p * 3 for p in row] for row in X],
    "Invert": lambda X: each(X, lambda v: 255 - v),
    "UndoUpscale": undo_upscale,
    "Denoise": denoise,
    "Downscale": lambda X, side: (
        resize(X, fit(X, side, side)) if max(len(X), len(X[0])) > side else X
    ),
    "Resize": resize_step,
    "InvertDarkInk": invert_dark_ink,
    "SubtractBackground": subtract_background,
    "RemoveLines": remove_lines,
    "CropToInk": crop_to_ink,
    "Upscale": upscale,
    "Binarize": binarize,
    "ScaleToFit": lambda X, side: resize(X, fit(X, side, side)),
    "StretchContrast": stretch_contrast,
    "CenterByMass": center_by_mass,
}


def apply(step: dict[str, Any], X: Image) -> Image:
    """Apply the step that a JSON object describes."""
    return STEPS[step["kind"]](X, **{name: v for name, v in step.items() if name != "kind"})
