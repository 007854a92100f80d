"""Exports a model as a folder for the Hugging Face Hub."""

from __future__ import annotations

import json
import secrets
import shutil
from importlib.util import find_spec
from pathlib import Path

from handgrad.classifier import Bundle
from handgrad.classifier.architecture import describe
from handgrad.errors import ConfigError, StorageError
from handgrad.export.embedded_metadata import check_text
from handgrad.export.model_card import MODEL, card

CONFIG, CARD = "config.json", "README.md"
PREPROCESSING, GRAPH = "preprocessor_config.json", "model.onnx"
LIBRARY = {"library_name": "handgrad"}


def write_hub(bundle: Bundle, folder: Path) -> None:
    """Write the model, its architecture, its preprocessing and a model card into a folder.

    An existing folder is replaced only after everything has been written. If the package onnx is
    installed, the ONNX graph is written too.

    Args:
        bundle: the content of a model file.
        folder: a new or empty folder, or a folder written by this function.

    Raises:
        ConfigError: if the folder contains other files.
        ModelError: if the name of a class is not valid text.
        StorageError: if the folder cannot be written.
    """
    check_text(bundle.classifier)
    temporary = folder.absolute().parent / f".hub-{secrets.token_hex(4)}"
    try:
        _check_ours(folder)
        temporary.mkdir(parents=True)
        _write(bundle, temporary)
        folder.mkdir(exist_ok=True)
        for name in (MODEL, CONFIG, CARD, PREPROCESSING, GRAPH):
            if (temporary / name).exists():
                (temporary / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)  # of another model
    except OSError as error:
        raise StorageError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder or free space"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_ours(folder: Path) -> None:
    """Raise a ConfigError if a folder contains files that `write_hub` did not write."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        ours = json.loads((folder / CONFIG).read_bytes()).items() >= LIBRARY.items()
    except (OSError, ValueError, AttributeError, RecursionError):
        ours = False
    if not ours:
        raise ConfigError(
            f"{folder} contains other files, which would be overwritten; choose a new folder"
        )


def _write(bundle: Bundle, folder: Path) -> None:
    """Write all files of the exported model into a folder."""
    classifier = bundle.classifier
    labels = {str(k): str(label) for k, label in enumerate(classifier.classes)}
    config = LIBRARY | {
        "model_type": "handgrad",
        "id2label": labels,
        "label2id": {label: int(k) for k, label in labels.items()},
        "architecture": describe(classifier.network) | {"classes": list(classifier.classes)},
    }
    classifier.save(folder / MODEL, bundle.about, golden=bundle.golden)
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    if classifier.preprocessing is not None:
        described = json.dumps(classifier.preprocessing.to_json(), indent=2)
        (folder / PREPROCESSING).write_text(described + "\n", encoding="utf-8")
    (folder / CARD).write_text(card(bundle), "utf-8", "backslashreplace")
    if find_spec("onnx") is not None:
        from handgrad.export.onnx import write_onnx

        write_onnx(bundle, folder / GRAPH)
