"""Writing and reading the one file.

A safetensors file. Its tensors are the network's arrays by their own names, so that PyTorch finds
its ``state_dict`` in it, and the golden images. Its metadata has two entries: "handgrad", the
rest as JSON, and "digest", the SHA-256 of that and of all tensors. Loading reads values and names,
and never runs code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from handgrad.calibration import Calibration
from handgrad.classifier.architecture import build, check_finite, describe
from handgrad.classifier.format_upgrades import FORMAT, upgrade
from handgrad.classifier.golden_outputs import Golden, make_golden
from handgrad.errors import DataError, ModelError
from handgrad.files import replacing
from handgrad.layers import Array
from handgrad.network import Network

GOLDEN = "golden."

# What a description that was tampered with may raise when a network is built of it.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    DataError,
    LookupError,
    MemoryError,
    ModelError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, eq=False)
class Bundle:
    """What a model file holds.

    Attributes:
        net: the network, with its preprocessing and its calibration.
        about: what else is remembered, as JSON can hold it: the data, the recipe, the scores.
        golden: a few images, and what the network answered when it was saved.
        digest: the SHA-256 of it all.
    """

    net: Network
    about: dict[str, Any]
    golden: Golden
    digest: str


def save_model(
    net: Network,
    path: str | Path,
    about: Mapping[str, Any] | None = None,
    *,
    golden: ArrayLike | Golden | None = None,
) -> None:
    """Write a network to a file, whole or not at all.

    Args:
        net: the network.
        path: where to; the suffix must be .safetensors.
        about: what else to remember, as JSON can hold it: the data, the recipe, the scores.
        golden: images that the network takes, to keep some of with its answers; None: noise.

    Raises:
        ModelError: if the path has another suffix, a layer is not one of handgrad's, or the network
            holds or answers what is no number.
        DataError: if the golden images are not the network's.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ModelError(f"{path}: a model file must be named something.safetensors")
    description = {"format": FORMAT, **describe(net)}
    try:
        check_finite(net)
        known = golden if isinstance(golden, Golden) else make_golden(net, golden)
    except ModelError as error:
        raise ModelError(f"{path}: cannot be saved: {error}") from None
    description |= {
        "preprocessing": net.preprocessing and net.preprocessing.to_json(),
        "calibration": net.calibration and net.calibration.to_json(),
        "golden": dict(known.seals),
        "about": dict(about or {}),
    }
    try:
        text = json.dumps(description)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: about holds what JSON cannot ({error}); leave it out") from None
    arrays = {**net.arrays, GOLDEN + "images": known.images, GOLDEN + "logits": known.logits}
    if known.raw is not None:
        arrays[GOLDEN + "raw"] = known.raw
    content = save(arrays, {"handgrad": text, "digest": digest(text, arrays)})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def load_model(path: str | Path) -> Network:
    """Return the network that a file holds, with its preprocessing and its calibration.

    Raises:
        ModelError: if the file is missing, damaged, not ours, or from a newer handgrad.
    """
    return read_bundle(path).net


def about_model(path: str | Path) -> dict[str, Any]:
    """Return what a model file remembers beside the network: see `save_model`."""
    return read_bundle(path).about


def read_bundle(path: str | Path) -> Bundle:
    """Return all that a model file holds.

    Raises:
        ModelError: if the file is missing, damaged, not ours, or from a newer handgrad.
    """
    path = Path(path)
    description, arrays, sum_of_all = _read(path)
    golden = {name: arrays.pop(name) for name in list(arrays) if name.startswith(GOLDEN)}
    try:
        net = build(description, arrays)
        net.preprocessing = _preprocessing(description["preprocessing"], net)
        if description["calibration"] is not None:
            net.calibration = Calibration.from_json(description["calibration"])
        known = _golden(golden, description["golden"], net)
    except _DAMAGE as error:
        missing = isinstance(error, KeyError)
        what = f"{error} is missing" if missing else str(error) or type(error).__name__
        raise ModelError(f"{path}: its description does not hold together: {what}") from None
    return Bundle(net, description["about"], known, sum_of_all)


def digest(text: str, arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of a description and its arrays, as 64 hexadecimal digits."""
    sha = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        sha.update(f"\n{name} {array.dtype.name} {list(array.shape)}\n".encode())
        sha.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return sha.hexdigest()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Array], str]:
    """Return the description, the arrays and the digest of a model file."""
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give another path") from None
    if is_folder:
        raise ModelError(f"{path}: this is a folder; give the .safetensors file in it")
    if not is_file:
        raise ModelError(f"{path}: there is no such file; give the path of a saved model")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: not a whole safetensors file ({error}); save it again") from None
    if (text := metadata.get("handgrad")) is None:
        raise ModelError(f"{path}: not saved by handgrad; it has no description of the network")
    try:
        description = json.loads(text)
    except (ValueError, RecursionError):
        description = None
    if not isinstance(description, dict) or not isinstance(description.get("about"), dict):
        raise ModelError(f"{path}: its description of the network is damaged; save it again")
    written = description.get("format")
    if not isinstance(written, int) or isinstance(written, bool) or not 1 <= written <= FORMAT:
        newer = isinstance(written, int) and written > FORMAT
        cure = "install a newer handgrad" if newer else "save it again"
        raise ModelError(
            f"{path}: its format is {written!r}, this handgrad reads 1 to {FORMAT}; {cure}"
        )
    if (said := metadata.get("digest")) != (found := digest(text, arrays)):
        raise ModelError(
            f"{path}: its digest is {said!s:.12}, that of its contents {found:.12}: it was "
            "changed or damaged after it was saved; get it again"
        )
    upgrade(description, arrays)
    return description, arrays, found


def _preprocessing(described: Any, net: Network) -> Any:
    """Return the preprocessing that leads to what a network takes; None where there is none."""
    if described is None:
        return None
    from handgrad.preprocess import Preprocessing  # it loads Pillow

    preprocessing = Preprocessing.from_json(described)
    if preprocessing.shape != net.shape:
        raise ModelError(f"its preprocessing ends in {preprocessing.shape}, it takes {net.shape}")
    return preprocessing


def _golden(arrays: Mapping[str, Array], seals: Any, net: Network) -> Golden:
    """Return the golden images, checked."""
    images, logits = arrays[GOLDEN + "images"], arrays[GOLDEN + "logits"]
    raw = arrays.get(GOLDEN + "raw")
    if not len(images):
        raise ModelError("it has no golden images")
    if not isinstance(seals, dict) or net.as_images(images).shape != images.shape:
        raise ModelError("its golden images are not such as the network takes")
    if logits.shape != (len(images), len(net.classes)) or not np.isfinite(logits).all():
        raise ModelError("its golden answers are not one finite logit for each class")
    fits = raw is None or (raw.dtype == np.uint8 and raw.ndim == 4 and len(raw) <= len(images))
    if (raw is None) != (net.preprocessing is None) or not fits:
        raise ModelError("its raw golden images do not belong to its preprocessing")
    return Golden(images, logits, seals, raw)
