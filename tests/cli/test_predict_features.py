from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import handgrad as hg


def test_features_of_a_folder_with_a_broken_file(handgrad: Any, trained: Path) -> None:
    _, test = hg.load_data("digits")
    for number in range(5):
        folder = Path("images", str(test.labels[number]))
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(test.images[number, 0]).save(folder / f"{number}.png")
    Path("images", "1", "broken.png").write_bytes(b"no image")
    ended = handgrad(
        "predict", trained, "images", "--preprocessing", "plain", "--features", "f.npz"
    )
    assert "broken.png" in ended.err
    with np.load("f.npz") as found:
        numbers = [int(Path(name).stem) for name in found["files"]]
        assert sorted(numbers) == list(range(5))
        np.testing.assert_array_equal(found["labels"], test.labels[numbers].astype(str))
        model = hg.load_model(trained)
        np.testing.assert_allclose(
            found["features"], hg.features(model, test.images[numbers]), rtol=1e-6
        )
        assert found["predicted"].tolist() == [str(y) for y in model.predict(test.images[numbers])]


def test_features_are_written_to_npz_only(handgrad: Any, trained: Path) -> None:
    ended = handgrad("predict", trained, "0", "--features", "f.csv")
    assert ended.status == 2
    assert "use the suffix .npz" in ended.err
