"""Under `python -W error`, no command prints a warning of a library for any kind of data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.test_options_have_effect import PATHS, images, write_data

TRAIN = ("--epochs", "2", "--validation", "0.4", "--quiet")
COMMANDS = {
    "train": ["train", "DATA", *TRAIN, "--out", "run"],
    "evaluate": ["evaluate", "run"],
    "evaluate other data": ["evaluate", "run", "--data", "DATA", "--robust", "--ood-data", "DATA"],
    "calibrate": ["calibrate", "run", "--precision", "0.6"],
    "calibrate on other data": ["calibrate", "run", "--data", "other.npz"],
    "predict": ["predict", "run", "NEW", "one.png", "--csv", "a.csv", "--features", "f.npz"],
    "continue": ["train", "DATA", *TRAIN, "--from", "run", "--freeze", "2", "--out", "again"],
    "data check": ["data", "check", "DATA"],
    "data show": ["data", "show", "DATA", "--augment", "light"],
    "explain-step": ["explain-step", "run"],
    "plan": ["plan", "run"],
    "export": ["export", "run", "--onnx", "model.onnx"],
    "verify": ["verify", "run"],
    "auto": ["auto", "DATA", "--minutes", "0.1", "--quiet", "--out", "found"],
}
# The data may have issues, and the model may be too bad to be calibrated.
MAY_FAIL = ("data check", "calibrate on other data")
KINDS = {**PATHS, "table": "./list.csv", "npy": "./X_train.npy", "rgb": "rgb", "mixed": "mixed"}


def write_more_data(folder: Path) -> None:
    """Write data of further kinds: a table of file names, NPY files, colours, many formats."""
    write_data(folder)
    X, y = images(4, 40)
    np.save(folder / "X_train.npy", X)
    np.save(folder / "y_train.npy", y)
    X, y = images(5, 60)
    for n, (x, k) in enumerate(zip(X, y, strict=True)):
        for name, image, ending in (
            ("rgb", Image.fromarray(np.stack([x, x // 2, 255 - x], axis=2)), "png"),
            ("mixed", _in_mode(x, n), ("png", "jpg", "webp", "tif", "bmp", "gif", "pgm")[n % 7]),
        ):
            (folder / name / str(k)).mkdir(parents=True, exist_ok=True)
            image.save(folder / name / str(k) / f"{n}.{ending}")
    files = sorted((folder / "folder" / "train").glob("*/*.png"))
    lines = [f"{file.relative_to(folder)},{file.parent.name}" for file in files]
    (folder / "list.csv").write_text("\n".join(["file,label", *lines]))


def _in_mode(x: np.ndarray, n: int) -> Image.Image:
    """Return an image; those that become PNG files get other modes: P, LA and I;16."""
    if n % 7:
        return Image.fromarray(x)
    if n % 3 == 0:
        image = Image.fromarray(x).convert("P")
        image.info["transparency"] = bytes(range(256))  # Pillow warns when it converts this
        return image
    return Image.fromarray(x).convert("LA") if n % 3 == 1 else Image.fromarray(x.astype("u2") * 257)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with data of all kinds."""
    folder = tmp_path_factory.mktemp("kinds")
    write_more_data(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_command_prints_a_warning_of_a_library(kind: str, data: Path, tmp_path: Path) -> None:
    # Folders are linked, so that each kind has output files of its own.
    for path in data.iterdir():
        (tmp_path / path.name).symlink_to(path)
    meant = {"DATA": KINDS[kind], "NEW": "0" if kind == "named" else KINDS[kind]}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
    for name, words in COMMANDS.items():
        if kind == "named" and name in ("data check", "calibrate on other data"):
            continue  # digits are checked files, of another size than the arrays
        if kind == "rgb" and name == "calibrate on other data":
            continue  # the arrays are grey
        command = [meant.get(word, word) for word in words]
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-m", "handgrad", *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        printed = ended.stdout + ended.stderr
        allowed = {0, 1} if name in MAY_FAIL else {0}
        assert ended.returncode in allowed, f"{name}: {printed}"
        for word in ("Warning:", "Traceback", "warn("):
            assert word not in printed, f"{name}: {printed}"
