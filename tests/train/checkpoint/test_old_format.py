"""A checkpoint in format 1, which handgrad 0.1 wrote, is rejected with a one-sentence error."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg

OLD = Path(__file__).parent / "old" / "checkpoint-000002.safetensors"


def test_a_checkpoint_of_format_1_is_refused_and_remains(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 4, 4), np.uint8)
    data = hg.Dataset.from_arrays(images, np.arange(12) % 3, name="tiny")
    net = hg.Network([hg.Flatten(), hg.Dense()], data.shape, len(data.classes))
    file = Path(shutil.copy(OLD, tmp_path))
    with pytest.raises(hg.StorageError) as refused:
        hg.fit(net, data, validation=None, epochs=1, batch_size=4, checkpoint=tmp_path, resume=True)
    assert str(refused.value) == (
        f"{file}: has format 1, but this version of handgrad reads 2; resume with the version that "
        "wrote it, or start the run again"
    )
    assert file.read_bytes() == OLD.read_bytes()
