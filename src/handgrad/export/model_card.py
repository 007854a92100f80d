"""The model card, which describes a model for people and for the Hugging Face Hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from handgrad.classifier import Bundle, Classifier

MODEL = "model.safetensors"

CARD = """\
---
{front}
---

# {title}

A classifier for small images, trained with handgrad: its gradients are derived by hand and tested.

| | |
|---|---|
{facts}

## Use

```python
import handgrad as hg

model = hg.load_model("{model}")
model.predict(images)  # {images}, {pixels}
```

{preprocessing}

Before you use the model on a new machine, run `handgrad verify {model}`. The command computes the
logits of a few images stored in the file with every engine, and compares them with the stored
logits.

## Limits

The model knows only the {count} classes that it was trained on. Any other image is also assigned to
one of these classes. The accuracy was measured on test images similar to the training images.
"""
PREPARED = (
    "The preprocessing is described in `preprocessor_config.json` and is part of the model: "
    "`model.preprocessing.apply(image)` applies it to any image."
)
UNPREPARED = (
    "The model does not include the preprocessing that converts image files to arrays of this form."
)


def card(bundle: Bundle) -> str:
    """Return the model card: a YAML header for programs, followed by text for people."""
    classifier, about = bundle.classifier, bundle.about
    return CARD.format(
        front=_front(_data(about), _table(about, "scores").get("test_accuracy")),
        title=model_title(bundle),
        facts="\n".join(f"| {name} | {_cell(value)} |" for name, value in _facts(bundle).items()),
        model=MODEL,
        images=_images(classifier),
        count=len(classifier.classes),
        pixels=_pixels(bundle),
        preprocessing=PREPARED if classifier.preprocessing else UNPREPARED,
    )


def model_title(bundle: Bundle) -> str:
    """Return the names of the network and of its training data, such as "smallnet on mnist"."""
    model = str(_table(bundle.about, "config").get("model", ""))
    return " on ".join(filter(None, (model, _data(bundle.about)))) or "A handgrad model"


def _data(about: Mapping[str, Any]) -> str:
    """Return the name of the training data, or "" if it is unknown."""
    return str(_table(about, "data").get("name", ""))


def _images(classifier: Classifier) -> str:
    """Return the shape of the arrays that the model takes, in words."""
    if classifier.preprocesses_arrays:
        return "arrays of any size, which the model preprocesses"
    return f"(N, {', '.join(map(str, classifier.shape))})"


def _pixels(bundle: Bundle) -> str:
    """Return the pixels that the model takes, in words."""
    known = bundle.classifier.pixel_range
    if known is not None and known.is_known:
        return "uint8 0..255, or another known range"
    values = "" if known is None else f" {known}"
    return f"{bundle.golden.images.dtype}{values}, used as they are"


def _facts(bundle: Bundle) -> dict[str, str]:
    """Return the facts in the card's table, by name."""
    classifier, about = bundle.classifier, bundle.about
    return {
        "architecture": str(_table(about, "config").get("model") or "custom, see config.json"),
        "parameters": f"{sum(array.size for array in classifier.network.parameters.values()):,}",
        "takes": "x".join(map(str, classifier.shape)),
        "classes": ", ".join(map(str, classifier.classes)),
        **_start(_table(about, "from")),
        "trained on": str(_table(about, "data").get("name") or "not said"),
        "test accuracy": _share(_table(about, "scores").get("test_accuracy")),
        "calibrated": "no"
        if classifier.calibration is None
        else f"{classifier.calibration.error:.2%} off",
        "digest": f"`{bundle.digest}`",
    }


def _start(start: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts about the model from which the training started, if there was one."""
    if not start:
        return {}
    data = str(_table(start, "data").get("name") or "not said")
    return {"starts from": f"{start.get('path')}, trained on {data}"}


def _front(data: str, accuracy: Any) -> str:
    """Return the YAML header of the card, in which values that need quotes are written as JSON."""
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
    """Return the named metadata entry if it is a table, otherwise an empty table."""
    value = about.get(name)
    return value if isinstance(value, Mapping) else {}


def _share(value: Any) -> str:
    return f"{value:.2%}" if isinstance(value, float) else "not said"


def _cell(text: str) -> str:
    """Return text, escaped for use in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")
