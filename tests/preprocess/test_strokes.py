"""Test that a model of MNIST recognizes drawings equally well whatever form the data have.

The data are MNIST by name, an NPZ file, a CSV file and a folder. The preset was tuned with drawings
from training images only. `python -m tests.preprocess.test_strokes EPOCHS IMAGES` prints the
accuracies.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import handgrad as hg
from handgrad.preprocess import drawing
from tests.preprocess.strokes import drawing_of

DRAWINGS = 500


def sources(folder: Path, train: hg.Dataset) -> dict[str, Path]:
    """Write training images as an NPZ file, a CSV file and a folder, and return their paths."""
    X, y = train.images[:, 0], train.labels
    np.savez(folder / "mnist.npz", x_train=X, y_train=y, x_test=X[:100], y_test=y[:100])
    (folder / "table").mkdir()
    rows = np.column_stack([y, X.reshape(len(X), -1)])
    head = "label," + ",".join(f"pixel{k}" for k in range(784))
    for name, some in (("train", rows), ("test", rows[:100])):
        np.savetxt(folder / f"table/{name}.csv", some, "%d", ",", header=head, comments="")
    for split, count in (("train", len(X)), ("test", 100)):
        for k in range(10):
            (folder / f"files/{split}/{k}").mkdir(parents=True)
        for n, (x, k) in enumerate(zip(X[:count], y[:count], strict=True)):
            Image.fromarray(x).save(folder / f"files/{split}/{k}/{n}.png")
    named = {"NPZ": "mnist.npz", "CSV": "table/train.csv", "folder": "files"}
    return {name: folder / path for name, path in named.items()}


def accuracies(folder: Path, epochs: int, images: int, which: str = "test") -> dict[str, float]:
    """Return the accuracy on drawings of a model that was trained on each form of the data."""
    named, test = hg.load_data("mnist")
    few = named.take(np.arange(images))
    data = {"name": few}
    for name, path in sources(folder, few).items():
        data[name], _ = hg.load_data(str(path), progress=False)
        assert data[name].preprocessing == few.preprocessing == drawing(28)
    origin = test if which == "test" else named.take(np.arange(50_000, 60_000))
    places = np.random.default_rng(3).permutation(len(origin))[:DRAWINGS]
    drawn = [
        np.asarray(drawing_of(origin.images[n, 0], np.random.default_rng([5, n]))) for n in places
    ]
    prepared = np.stack([drawing(28).apply(x) for x in drawn])
    found = {}
    for name, train in data.items():
        layers = [hg.Normalize(), hg.Flatten(), hg.Dense(128), hg.ReLU(), hg.Dense()]
        net = hg.Classifier.for_data(layers, train, seed=0)
        recipe = {"optimizer": hg.AdamW(0.005), "schedule": hg.schedules.OneCycle()}
        hg.fit(net, train, epochs=epochs, seed=0, patience=None, augment="shift=0.07", **recipe)
        predicted = net.predict(prepared).astype(str)
        found[name] = float((predicted == origin.labels[places].astype(str)).mean())
    return found


@pytest.mark.slow
@pytest.mark.mnist
def test_drawings_are_recognized_equally_well_whatever_form_the_data_have(
    located, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("HANDGRAD_DATA", str(located("mnist").parent))
    found = accuracies(tmp_path, epochs=6, images=20_000)
    with capsys.disabled():
        print(f"\naccuracy on {DRAWINGS} drawings: {found}", end="")
    assert max(found.values()) - min(found.values()) <= 0.01
    assert min(found.values()) >= 0.9


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        epochs, images = map(int, sys.argv[1:3])
        print(accuracies(Path(place), epochs, images, *sys.argv[3:]))
