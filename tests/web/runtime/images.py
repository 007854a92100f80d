"""Images for comparing the preprocessing in JavaScript with that in Python."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from PIL import Image, ImageDraw

KINDS = ("blank", "noise", "blocks", "photograph", "drawing", "form", "squared", "folds", "edges")
ALPHAS = ("opaque", "noise", "ink", "sheet")


@st.composite
def images(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> np.ndarray:
    """Draw an image (H, W, C) of any kind, with 1 to 4 channels and sides of 1 to 300 pixels."""
    side = st.one_of(st.integers(1, 300), st.integers(1, 30))
    return image(
        draw(st.sampled_from(kinds)),
        (draw(side), draw(side)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from(ALPHAS)),
        np.random.default_rng(draw(st.integers(0, 1 << 32))),
    )


def image(
    kind: str, size: tuple[int, int], C: int, alpha: str, rng: np.random.Generator
) -> np.ndarray:
    """Return an image of a kind, (H, W, C) uint8."""
    H, W = size
    colours = C - (C % 2 == 0)
    X = _grey(kind, size, rng)[:, :, None].repeat(colours, axis=2)
    if colours == 3 and rng.random() < 0.5:
        X = X * rng.uniform(0.7, 1, 3)
    if kind != "blocks" and rng.random() < 0.5:
        X = X + rng.normal(0, rng.uniform(0, 9), X.shape)
    if rng.random() < 0.3:
        X = 255 - X
    X = np.clip(X, 0, 255).astype(np.uint8)
    if colours == C:
        return X
    opacity = np.full((H, W, 1), 255, np.uint8)
    if alpha == "noise":
        opacity = rng.integers(0, 256, (H, W, 1), np.uint8)
    elif alpha == "ink":
        opacity = np.where(X[:, :, :1] < 110, 255, rng.integers(0, 200)).astype(np.uint8)
    elif alpha == "sheet":
        opacity[: H // 8] = 0
    return np.concatenate([X, opacity], axis=2)


def _grey(kind: str, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a grey image of a kind, (H, W)."""
    H, W = size
    paper = int(rng.integers(120, 256))
    if kind == "noise":
        return rng.integers(0, 256, size)
    if kind == "photograph":
        return 128 + np.cumsum(rng.normal(0, 3, size), axis=int(rng.integers(2)))
    if kind == "blocks":
        k = int(rng.integers(1, 8))
        small = rng.choice([0, 40, 200, 255], (-(-H // k), -(-W // k)))
        return small.repeat(k, axis=0).repeat(k, axis=1)[:H, :W]
    X = Image.new("L", (W, H), paper)
    pen, least = ImageDraw.Draw(X), min(H, W)
    if kind != "blank":
        points = [(rng.uniform(0.2, 0.8) * W, rng.uniform(0.2, 0.8) * H) for _ in range(4)]
        pen.line(points, int(rng.integers(0, 100)), int(rng.integers(1, least // 10 + 3)))
    if kind == "form":
        gap = least // 10
        box = [(gap, gap), (gap, H - gap), (W - gap, H - gap), (W - gap, gap), (gap, gap)]
        pen.line(box[: int(rng.integers(4, 6))], 60, int(rng.integers(1, 4)))
    if kind == "squared":
        for at in range(3, max(H, W), max(4, least // 6)):
            pen.line([(0, at), (W, at + int(rng.integers(-2, 3)))], 130)
            pen.line([(at, 0), (at, H)], 130)
    if kind == "folds":
        y, x, width = rng.integers(0, H), rng.integers(0, W), int(rng.integers(1, 6))
        pen.line([(0, int(y)), (W, int(y))], 90, width)
        pen.line([(int(x), 0), (int(x), H // 2 if rng.random() < 0.5 else H)], 90, width)
    if kind == "edges":
        pen.rectangle((0, 0, least // 9, H), 30)
        pen.rectangle((0, H - least // 9, W, H), 50)
    return np.asarray(X)
