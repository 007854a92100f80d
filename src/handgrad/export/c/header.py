"""The header with a model in C: it is assembled from the folder `code` and from the model."""

from __future__ import annotations

import math
import re
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np

from handgrad.calibration import Calibration
from handgrad.classifier import Bundle, Classifier
from handgrad.errors import ConfigError, ModelError
from handgrad.export.c import golden, preprocessing, source
from handgrad.export.c.int8 import Int8Plan
from handgrad.export.c.layers import plan_of
from handgrad.export.c.ood import ood_arrays, ood_constants
from handgrad.export.c.plan import Plan
from handgrad.export.c.quantize import Quantized
from handgrad.export.c.size import Size, size_of
from handgrad.export.embedded_metadata import check_text
from handgrad.files import replacing

_VALUES = """/* Answer for the input of the first layer, whose values are used as they are. */
void hg_predict_values(const float X[HG_INPUTS], hg_answer *answer, hg_workspace *workspace);"""
_BYTES = """/* Answer for a prepared image: bytes 0..255, channel by channel, row by row. */
void hg_predict(const uint8_t X[HG_INPUTS], hg_answer *answer, hg_workspace *workspace);"""
_IMAGE = """/*
 * Prepare a raw image. Its bytes stand row by row, and those of a pixel beside each other, with 1
 * channel (grey), 2 (grey, alpha), 3 (red, green, blue) or 4 (red, green, blue, alpha).
 *
 * Return why it cannot be classified, as an hg_reason, or HG_NO_REASON. Return -1 if it is empty or
 * larger than HG_MAX_HEIGHT x HG_MAX_WIDTH x HG_MAX_CHANNELS.
 */
int hg_prepare(
    const uint8_t *pixels, int height, int width, int channels, uint8_t X[HG_INPUTS],
    hg_workspace *workspace);

/* Prepare a raw image and answer for it. Return 0, or -1 if hg_prepare does. */
int hg_predict_image(
    const uint8_t *pixels, int height, int width, int channels, hg_answer *answer,
    hg_workspace *workspace);"""


def write_c(
    bundle: Bundle, path: Path, *, name: str = "net", quantized: Quantized | None = None
) -> Size:
    """Write a model as a C header: see `to_c`. Return the memory that it needs.

    Raises:
        ModelError: if the path does not end in .h, or for the reasons of `to_c`.
        ConfigError: if the name is no name in C.
    """
    if path.suffix != ".h":
        raise ModelError(f"{path}: the name of a C header must end in .h")
    text = to_c(bundle, name=name, file=path.name, quantized=quantized)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    bundle, plan = _planned(bundle, quantized)
    return size_of(bundle.classifier, *_largest(bundle), plan)


def to_c(
    bundle: Bundle, *, name: str = "net", file: str = "net.h", quantized: Quantized | None = None
) -> str:
    """Return a model as a C header.

    Args:
        bundle: the content of a model file.
        name: the beginning of all names in the header.
        file: the name of the file, for its comments.
        quantized: the quantized network, which computes with integers and without the
            out-of-distribution score; or None to compute with float32 numbers.

    Raises:
        ModelError: if there is no C code for a layer or a step of the preprocessing, or if the
            name of a class is not valid text.
        ConfigError: if the name is no name in C.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}", name):
        raise ConfigError(
            f"{name!r} cannot begin the names in C; use at most 40 letters, digits and _, and "
            "begin with a letter"
        )
    classifier = bundle.classifier
    check_text(classifier)
    for label in classifier.classes:
        if "\0" in str(label):
            raise ModelError(
                f"the name of the class {label!r} contains a null character, "
                "which ends a text in C; rename it and train again"
            )
    if classifier.preprocessing is not None:
        preprocessing.check(classifier.preprocessing)
    bundle, plan = _planned(bundle, quantized)
    classifier = bundle.classifier
    text = source.read("header.h")
    for marker, value in {
        "about": _about(bundle, plan),
        "constants": _constants(bundle),
        "types": _types(classifier, plan),
        "memory": _memory(classifier),
        "declarations": _declarations(bundle, plan),
        "implementation": _implementation(bundle, plan),
    }.items():
        text = text.replace(f"@{marker}@", value)
    text = source.renamed(text, name)
    text = text.replace("@file@", re.sub(r"[^\w.-]", "_", file, flags=re.ASCII))
    return text.replace("@class_names@", source.strings(classifier.classes))


def _planned(bundle: Bundle, quantized: Quantized | None) -> tuple[Bundle, Plan | Int8Plan]:
    """Return the content of the header as a bundle, and the plan of its network."""
    if quantized is None:
        return bundle, plan_of(bundle.classifier.network)
    classifier = copy(bundle.classifier)
    classifier.ood = None
    golden = replace(bundle.golden, logits=quantized.logits(bundle.golden.images))
    plan = Int8Plan(quantized, math.prod(classifier.shape))
    return replace(bundle, classifier=classifier, golden=golden), plan


def _has_bytes(bundle: Bundle) -> bool:
    """Return whether prepared images are bytes."""
    return bundle.classifier.preprocessing is not None or bundle.golden.images.dtype == np.uint8


def _largest(bundle: Bundle) -> tuple[int, int]:
    """Return the height and width of the largest raw image, unless the user defines it."""
    raw = bundle.golden.raw
    sides = (0, 0) if raw is None else raw.shape[1:3]
    return max(preprocessing.MAX_SIDE, sides[0]), max(preprocessing.MAX_SIDE, sides[1])


def _about(bundle: Bundle, plan: Plan | Int8Plan) -> str:
    """Return the comment that states the model and its sizes."""
    height, width = _largest(bundle)
    size = size_of(bundle.classifier, height, width, plan)
    shape = " x ".join(map(str, bundle.classifier.shape))
    numbers = "int8" if isinstance(plan, Int8Plan) else "float32"
    lines = [
        *(f"digest     {bundle.digest}", f"input      {shape}", f"numbers    {numbers}"),
        *size.lines(),
        *(plan.network.report if isinstance(plan, Int8Plan) else []),
    ]
    return "\n".join(f" * {line}" for line in lines)


def _constants(bundle: Bundle) -> str:
    classifier = bundle.classifier
    shape = classifier.shape
    defined = {"CLASSES": len(classifier.classes), "INPUTS": math.prod(shape)}
    if len(shape) == 3:
        defined |= dict(zip(("CHANNELS", "HEIGHT", "WIDTH"), shape, strict=True))
    lines = [f"#define HG_{name} {value}" for name, value in defined.items()]
    lines.append(f'#define HG_DIGEST "{bundle.digest}" /* of the model file */')
    if classifier.ood is not None:
        lines.append(ood_constants(classifier.ood, classifier.network))
    parts = ["\n".join(lines)]
    if classifier.preprocessing is not None:
        parts.append(preprocessing.constants(classifier.preprocessing, *_largest(bundle)))
    return "\n\n".join(parts)


def _types(classifier: Classifier, plan: Plan | Int8Plan) -> str:
    buffers = plan.activations()
    network = (
        f"/* The activations of the network. */\ntypedef struct {{\n{buffers}\n}} hg_activations;"
    )
    if classifier.preprocessing is None:
        return network
    return f"{network}\n\n{source.read('preprocessing.h').strip()}"


def _memory(classifier: Classifier) -> str:
    has_raw, has_ood = classifier.preprocessing is not None, classifier.ood is not None
    lines = [
        *("    union {", "        hg_activations network;"),
        *(["        hg_preprocessing preprocessing;"] if has_raw else []),
        "    } memory; /* the parts are not in use at the same time */",
        *(["    uint8_t prepared[HG_INPUTS];"] if has_raw else []),
        *(["#ifndef HG_NO_OOD", "    float edges[HG_OOD_EDGES];", "#endif"] if has_ood else []),
    ]
    return "\n".join(lines)


def _declarations(bundle: Bundle, plan: Plan | Int8Plan) -> str:
    parts = [] if isinstance(plan, Int8Plan) else [_VALUES]
    if _has_bytes(bundle):
        parts.append(_BYTES)
    if bundle.classifier.preprocessing is not None:
        parts.append(_IMAGE)
    return "\n\n".join(parts)


def _implementation(bundle: Bundle, plan: Plan | Int8Plan) -> str:
    classifier = bundle.classifier
    has_raw, has_ood = classifier.preprocessing is not None, classifier.ood is not None
    calibration = classifier.calibration or Calibration()
    constants = [
        f"#define HG_TEMPERATURE {source.number(calibration.temperature)}",
        f"#define HG_LEAST_PROBABILITY {float(calibration.threshold)!r}",
    ]
    is_int8 = isinstance(plan, Int8Plan)
    if _has_bytes(bundle) and not is_int8:
        constants.append(f"#define HG_PIXEL_SCALE {source.number(np.float32(1 / 255))}")
    public = {"hg_predict_bytes"} if is_int8 else {"hg_predict_values", "hg_predict_input"}
    public |= {"hg_predict"} if _has_bytes(bundle) else set()
    public |= {"hg_predict_image"} if has_raw else set()
    predict = "\n\n".join(
        text for names, text in source.blocks(source.read("predict.h")) if names & public
    )
    predict = source.only(predict + "\n", "ood", keep=has_ood, guard="HG_NO_OOD")
    predict = source.only(predict, "int8", keep=is_int8)
    predict = source.only(predict, "float32", keep=not is_int8).strip()
    calls = "\n".join(f"    {call}" for call in plan.calls)
    own = [
        f"""/* The network: its input is in buffer 0. */
static void hg_forward(hg_activations *w, float *logits) {{
{calls}
    {plan.result()}
}}"""
    ]
    if classifier.preprocessing is not None:
        own.append(preprocessing.prepare(classifier.preprocessing))
    functions = source.library("\n".join([*own, predict, *plan.windows, "hg_reason_text"]))
    parts = ["\n".join(constants)]
    score = {}
    if classifier.ood is not None:
        score = ood_arrays(classifier.ood, classifier.network)
        text = "\n\n".join(source.array(*item) for item in score.items())
        functions["ood"] = f"#ifndef HG_NO_OOD\n{text}\n\n{functions['ood']}\n#endif"
    window = functions.pop("layers", "")
    parts += [window, plan.definitions(), *functions.values(), *own, predict]
    parts.append(golden.self_test(bundle, plan.arrays, score))
    return "\n\n".join(filter(None, parts))
