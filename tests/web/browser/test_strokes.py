"""Test images redrawn by pointer events: the page recognizes them as well as the originals."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from tests.preprocess.strokes import thinned
from tests.web.browser.conftest import serving

COUNT = int(os.environ.get("HANDGRAD_DRAWINGS", "2000"))
BATCH, SIDE = 50, 280
TIMES = 4  # the factor by which a digit is enlarged before it is thinned

# Draws each digit with pointer events; returns the answers and the grey values of the pad.
DRAW = """async (digits) => {
  HTMLCanvasElement.prototype.setPointerCapture = () => {};  // made-up pointers cannot be captured
  const pad = document.getElementById("pad");
  const width = document.querySelector("input[type=range]");
  const clear = [...document.querySelectorAll("button")].find((b) => b.textContent === "Clear");
  const box = pad.getBoundingClientRect();
  const send = (type, [x, y]) => pad.dispatchEvent(new PointerEvent(type, {
    pointerId: 7, button: 0, bubbles: true,
    clientX: box.left + pad.clientLeft + x * pad.clientWidth / pad.width,
    clientY: box.top + pad.clientTop + y * pad.clientHeight / pad.height}));
  const found = [];
  for (const digit of digits) {
    clear.click();
    width.value = digit.width;
    for (const stroke of digit.strokes) {
      send("pointerdown", stroke[0]);
      for (const point of stroke.slice(1)) send("pointermove", point);
      send("pointerup", stroke.at(-1));
    }
    const { index, reason } = document.getElementById("answer").parentElement.prediction;
    const { data } = pad.getContext("2d").getImageData(0, 0, pad.width, pad.height);
    let grey = "";
    for (let i = 0; i < data.length; i += 4) grey += String.fromCharCode(data[i]);
    found.push({ index, reason, grey: btoa(grey) });
  }
  return found;
}"""


def strokes_of(x: np.ndarray) -> list[np.ndarray]:
    """Return the strokes of an MNIST image (28, 28): paths (n, 2) of x and y along its skeleton."""
    large = np.kron(x.astype(np.float64), np.ones((TIMES, TIMES)))
    kernel = np.ones(TIMES) / TIMES  # smooth the edges of the blocks
    for axis in (0, 1):
        large = np.apply_along_axis(np.convolve, axis, large, kernel, "same")
    left = {tuple(p) for p in np.argwhere(thinned(np.pad(large > 110, 2))).tolist()}
    found = []
    while left:
        path = [_start(left)]
        left.remove(path[0])
        while near := sorted(_neighbours(path[-1], left)):
            path.append(near[0])
            left.remove(near[0])
        found.append(np.array(path, np.float64)[:, ::-1])
    return found


def _neighbours(point, points) -> Iterator[tuple[int, int]]:
    y, x = point
    near = ((y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0))
    return (p for p in near if p in points)


def _start(points) -> tuple[int, int]:
    """Return an end of a line, or any point of a closed line."""
    return min(points, key=lambda p: (len(list(_neighbours(p, points))), p))


def digit_of(x: np.ndarray, rng: np.random.Generator) -> dict:
    """Return the strokes of an MNIST image at a random place, and in a random size and width."""
    strokes = strokes_of(x)
    every = np.concatenate(strokes)
    extent = max(np.ptp(every, axis=0).max(), 1)
    size = rng.uniform(0.35, 0.75) * SIDE
    width = rng.uniform(0.08, 0.16) * size / SIDE
    margin = width * SIDE
    low = every.min(axis=0)
    room = SIDE - 2 * margin - np.ptp(every, axis=0) * size / extent
    place = margin + rng.uniform(0, 1, 2) * room
    return {
        "width": width,
        "strokes": [((s - low) * size / extent + place).round(2).tolist() for s in strokes],
    }


@pytest.fixture(scope="module")
def mnist_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of `smallnet` on MNIST, with the augmentation for drawings."""
    if "HANDGRAD_TEST_RUN" in os.environ:
        return Path(os.environ["HANDGRAD_TEST_RUN"])
    out = tmp_path_factory.mktemp("strokes") / "run"
    words = ["mnist", "--model", "smallnet", "--epochs", "3", "--augment", "drawings"]
    subprocess.run(
        [sys.executable, "-m", "handgrad", "train", *words, "--out", str(out)], check=True
    )
    return out


@pytest.mark.slow
@pytest.mark.mnist
def test_redrawn_digits_are_recognized_as_well_as_the_originals(browser, tmp_path, mnist_run):
    model = hg.load_model(mnist_run)
    _, test = hg.load_data("mnist")
    rng = np.random.default_rng(20)
    chosen = test.take(np.sort(rng.permutation(len(test))[:COUNT]))
    digits = [digit_of(x[0], rng) for x in chosen.images]
    found = []
    with serving(str(mnist_run), cwd=tmp_path) as url:
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("main[data-ready=draw]")
        for at in range(0, COUNT, BATCH):
            found += page.evaluate(DRAW, digits[at : at + BATCH])
        page.close()

    grey = np.stack([np.frombuffer(base64.b64decode(f["grey"]), np.uint8) for f in found])
    X = np.stack([model.preprocessing.apply(g.reshape(SIDE, SIDE)) for g in grey])
    in_python = model.logits(X, pixel_range="raw").argmax(axis=1)
    in_page = np.array([f["index"] for f in found])
    drawn = float((in_page == chosen.labels).mean())
    original = float((model.logits(chosen).argmax(axis=1) == chosen.labels).mean())
    rejected = float(np.mean([f["reason"] != "" for f in found]))
    print(f"redrawn {drawn:.2%}, originals {original:.2%}, don't know {rejected:.2%} of redrawn")
    assert np.array_equal(in_page, in_python)
    assert drawn > original - 0.03
