"""Write golden cases of the preprocessing: raw images with the result of each preset.

Run `python -m tests.preprocess.write_golden_steps`. The file is for readers in other languages; the
results of released steps never change.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from handgrad.preprocess import (
    CompositeAlpha,
    Grayscale,
    Preprocessing,
    Resize,
    Upscale,
    drawing,
    light,
    plain,
)

FILE = Path(__file__).parent / "golden_steps.json"

CASES: dict[str, Preprocessing] = {
    "plain, grey": plain((1, 9, 7)),
    "plain, colour, stretched": plain((3, 6, 8), keep_aspect=False),
    "light, shadow": light((1, 12, 12)),
    "drawing, small": drawing(28),
    "drawing, transparent": drawing(28),
    "drawing, box of a form": drawing(28),
    "drawing, sheet with soft alpha": drawing(28),
    "sheet, open box and a dark edge": drawing(28),
    "upscaled, with grey levels": Preprocessing(
        (1, 17, 17),
        (CompositeAlpha(), Grayscale(), Upscale(14, 17), Resize(17, 17, keep_aspect=True)),
    ),
}


def image(name: str) -> np.ndarray:
    """Return the raw image of a case, (H, W, C) uint8."""
    rng = np.random.default_rng(sorted(CASES).index(name))
    if name.startswith("plain"):
        return rng.integers(0, 256, (13, 10, 4 if "colour" in name else 1), np.uint8)
    if name.startswith("upscaled"):
        return rng.choice(np.uint8([0, 40, 255]), (5, 7, 1))
    if "shadow" in name:
        X = np.linspace(60, 200, 20).astype(np.uint8)[:, None].repeat(16, axis=1)
        X[6:14, 5:9] -= 50
        return X[:, :, None]
    if "small" in name:
        X = np.zeros((11, 12, 1), np.uint8)
        X[3:9, 4:8] = rng.integers(0, 256, (6, 4, 1))
        return X
    sheet = Image.new("L", (72, 66), 225)
    draw = ImageDraw.Draw(sheet)
    draw.line([(24, 16), (46, 18), (30, 50)], fill=40, width=4)
    if "open box" in name:
        draw.line([(8, 6), (8, 58), (60, 58), (60, 6)], fill=120, width=1)
        draw.rectangle((66, 0, 72, 66), fill=30)
    elif "box" in name:
        draw.rectangle((8, 6, 62, 58), outline=70, width=2)
    if "box" in name:
        return np.asarray(sheet)[:, :, None]
    grey = np.asarray(sheet)
    alpha = np.where(grey < 100, 255, 0) if "transparent" in name else np.full(grey.shape, 254)
    if "soft" in name:
        alpha[:4], alpha[-4:] = 150, 0
    return np.dstack([grey, alpha]).astype(np.uint8)


def result(name: str) -> list:
    """Return the preprocessed image of a case, as nested lists (C, H, W)."""
    return CASES[name].apply(image(name)).tolist()


def main() -> None:
    """Write the golden cases."""
    cases = {
        name: {
            "preprocessing": preprocessing.to_json(),
            "image": image(name).tolist(),
            "result": result(name),
        }
        for name, preprocessing in CASES.items()
    }
    lines = [f"{json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
