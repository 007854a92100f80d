"""A model in a folder as the Hugging Face Hub has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from handgrad.bundle.description import describe
from handgrad.bundle.file import Bundle, save_model
from handgrad.files import replacing

MODEL = "model.safetensors"

CARD = """\
---
{front}
---

# {title}

A classifier of small pictures, trained with handgrad: gradients derived by hand, and proven.

| | |
|---|---|
{facts}

## Use

```python
import handgrad as hg

net = hg.load_model("{model}")
net.predict(pictures)  # (N, {shape}), uint8 0..255
```

{preparation}

Before it is trusted on a machine: `handgrad verify {model}` lets every engine there answer a few
pictures that lie in the file, and compares.

## Limits

It knows the {count} classes it was trained on and no others: a picture of anything else gets one of
their names too. What it scored, it scored on test pictures like those it was trained on.
"""


def write_hub(bundle: Bundle, folder: Path) -> None:
    """Write the model, its architecture, its preparation and its card into a folder.

    With the package onnx installed, the ONNX graph too.

    Raises:
        ConfigError: if the folder cannot be written to.
    """
    net = bundle.net
    save_model(net, folder / MODEL, bundle.about, golden=bundle.golden)
    labels = {str(k): str(label) for k, label in enumerate(net.classes)}
    config = {
        "library_name": "handgrad",
        "model_type": "handgrad",
        "id2label": labels,
        "label2id": {label: int(k) for k, label in labels.items()},
        "architecture": describe(net),
    }
    _write(folder / "config.json", json.dumps(config, indent=2) + "\n")
    if net.preparation is not None:
        described = json.dumps(net.preparation.to_json(), indent=2)
        _write(folder / "preprocessor_config.json", described + "\n")
    _write(folder / "README.md", card(bundle))
    if find_spec("onnx") is not None:
        from handgrad.bundle.onnx import write_onnx

        write_onnx(bundle, folder / "model.onnx")


def card(bundle: Bundle) -> str:
    """Return the model card: YAML for machines, then words for people."""
    net, about = bundle.net, bundle.about
    config, scores = _table(about, "config"), _table(about, "scores")
    data, model = str(_table(about, "data").get("name", "")), str(config.get("model", ""))
    parameters = sum(array.size for array in net.parameters.values())
    facts = {
        "architecture": model or "its own, see config.json",
        "parameters": f"{parameters:,}",
        "takes": "x".join(map(str, net.shape)),
        "classes": ", ".join(map(str, net.classes)),
        "trained on": data or "not said",
        "test accuracy": _share(scores.get("test_accuracy")),
        "calibrated": "no" if net.calibration is None else f"{net.calibration.error:.2%} off",
        "digest": f"`{bundle.digest}`",
    }
    prepared = "What was done to the pictures is in `preprocessor_config.json` and in the model: "
    prepared += "`net.preparation.apply(picture)` does it to any picture."
    return CARD.format(
        front=_front(data, scores.get("test_accuracy")),
        title=" on ".join(filter(None, (model, data))) or "A handgrad model",
        facts="\n".join(f"| {name} | {_cell(value)} |" for name, value in facts.items()),
        model=MODEL,
        shape=", ".join(map(str, net.shape)),
        count=len(net.classes),
        preparation=prepared
        if net.preparation
        else "Nothing is known of how a picture in a file becomes such an array.",
    )


def _front(data: str, accuracy: Any) -> str:
    """Return the card's YAML, written as JSON where a value needs quotes."""
    lines = [
        "library_name: handgrad",
        "pipeline_tag: image-classification",
        "tags: [handgrad, image-classification, onnx, safetensors]",
    ]
    if data:
        lines.append(f"datasets: [{json.dumps(data)}]")
    if data and isinstance(accuracy, float):
        lines += [
            "metrics: [accuracy]",
            "model-index:",
            "- name: handgrad",
            "  results:",
            "  - task: {type: image-classification}",
            f"    dataset: {{name: {json.dumps(data)}, type: {json.dumps(data)}}}",
            f"    metrics: [{{type: accuracy, value: {accuracy}}}]",
        ]
    return "\n".join(lines)


def _table(about: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an entry that is a table; an empty one where it is none."""
    value = about.get(name)
    return value if isinstance(value, Mapping) else {}


def _share(value: Any) -> str:
    return f"{value:.2%}" if isinstance(value, float) else "not said"


def _cell(text: str) -> str:
    """Return text that cannot break a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
