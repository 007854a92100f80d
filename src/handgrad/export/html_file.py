"""Exports a model as one HTML file, which classifies images in any browser and needs no network.

The file contains the model file, unchanged but compressed, the JavaScript runtime, and a page. On
opening, the page classifies the golden images, and shows whether the answers are the stored ones.
Without JavaScript, it shows these images with their answers.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from handgrad.calibration import Calibration
from handgrad.classifier import MODEL, Bundle, Classifier, read_bundle
from handgrad.classifier.format_upgrades import FORMAT
from handgrad.errors import ConfigError, ModelError
from handgrad.export.embedded_metadata import check_text
from handgrad.export.model_card import model_title
from handgrad.files import replacing
from handgrad.html import image_uri, png_uri, render
from handgrad.javascript import bundle as joined
from handgrad.javascript import without_comments
from handgrad.pixel_range import AS_THEY_ARE

PAGE = Path(str(files("handgrad"))) / "web" / "page"
NAME = "handgradApp"  # the global object of the script

_MODEL = re.compile(r'<script type="text/plain" id="model">([\w+/=\s]*)</script>', re.ASCII)
_SETTINGS = re.compile(r'<script type="application/json" id="settings">([^<]*)</script>')
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_TEXT = re.compile(r'^"([\w.-]+)": \[.*\],\n', re.MULTILINE)  # a line of strings.js


class HtmlFile(NamedTuple):
    """The parts of an exported HTML file.

    Attributes:
        model: the bytes of the model file.
        packed: the same as the text that the file contains.
        settings: the names of the classes and the stored answers, as JSON.
        script: the JavaScript code.
    """

    model: bytes
    packed: str
    settings: str
    script: str


def write_html(
    model: bytes,
    path: Path,
    *,
    title: str | None = None,
    description: str | None = None,
    labels: Sequence[str] | None = None,
) -> None:
    """Write a model as one HTML file.

    Args:
        model: the bytes of a model file, from `embedded_models`.
        path: the file to write.
        title: the heading of the page, or None for the names of the network and the data.
        description: a text below the heading, or None for a sentence that names the classes.
        labels: the names to show instead of the class names, in the order of the logits, or None.

    Raises:
        ConfigError: if the labels do not fit the classes.
        ModelError: if a browser cannot run the model, or the name of a class is not valid text.
        StorageError: if the file cannot be written.
    """
    text = html_page(model, title=title, description=description, labels=labels)
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8", newline="\n")


def html_page(
    model: bytes,
    *,
    title: str | None = None,
    description: str | None = None,
    labels: Sequence[str] | None = None,
) -> str:
    """Return the text of the HTML file that `write_html` writes, with the same arguments."""
    bundle = read_bytes(model)
    classifier = bundle.classifier
    check_text(classifier)
    _check_can_run(classifier)
    names = [str(name) for name in classifier.classes] if labels is None else list(labels)
    if labels is not None:
        check_labels(names, classifier)
    title = model_title(bundle) if title is None else title
    if description is None:
        shown = names if len(names) <= 20 else [*names[:20], "..."]
        description = f"It recognizes {len(names)} kinds of images: {', '.join(shown)}."
    for name, text in (("title", title), ("description", description)):
        _check_valid(name, text)
    answers = _answers(bundle, names)
    images = _images(bundle)
    style, script = page_style(), page_script()
    settings = {"labels": names, "labels_digest": labels_digest(names), "answers": answers}
    return render(
        "app.html",
        title=title,
        description=description,
        version=version("handgrad"),
        style=Markup(style),  # noqa: S704 (our own files)
        style_hash=_csp_hash(style),
        script=Markup(script),  # noqa: S704
        script_hash=_csp_hash(script),
        settings=Markup(json.dumps(settings).replace("<", "\\u003c")),  # noqa: S704 (no tag)
        model=pack(model),
        golden=[
            answer | {"image": image, "alt": alt, "percent": f"{answer['percent']:.1f}"}
            for answer, (image, alt) in zip(answers, images, strict=True)
        ],
        digest=bundle.digest,
        facts=f"{len(names)} classes, {_parameters(classifier):,} parameters",
    )


def read_html(path: Path) -> HtmlFile:
    """Return the parts of an HTML file that `write_html` has written.

    Raises:
        ModelError: if the file cannot be read, or contains no model.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); check the path") from None
    model, settings, script = (part.search(text) for part in (_MODEL, _SETTINGS, _SCRIPT))
    if model is None or settings is None or script is None:
        raise ModelError(f"{path}: not written by `handgrad export --html`: it contains no model")
    try:
        content = zlib.decompress(base64.b64decode(model[1], validate=True))
    except (ValueError, zlib.error):
        raise ModelError(f"{path}: its model is damaged; export it again") from None
    return HtmlFile(content, model[1], settings[1], script[1])


def embedded_models(bundle: Bundle, path: Path) -> tuple[bytes, bytes]:
    """Return the two models that an HTML file can contain: with and without the score.

    Args:
        bundle: the content of the model file.
        path: the model file. If it has an older format, it is written again in the newest format.

    Returns:
        The bytes of the model file, and those of a model file without the out-of-distribution
        score. If there is no score, both are the same.

    Raises:
        ModelError: if the model cannot be saved, for example because a weight is NaN.
    """
    content = path.read_bytes()
    if _format(content) != FORMAT:
        content = model_bytes(bundle)
    if bundle.classifier.ood is None:
        return content, content
    classifier, golden = copy.copy(bundle.classifier), bundle.golden
    classifier.ood = None
    hashes = {name: value for name, value in golden.component_hashes.items() if name != "ood"}
    golden = replace(golden, component_hashes=hashes)
    return content, model_bytes(replace(bundle, classifier=classifier, golden=golden))


def model_bytes(bundle: Bundle) -> bytes:
    """Return the bytes of the model file of a bundle.

    Raises:
        ModelError: if it cannot be saved, for example because a weight is NaN.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        bundle.classifier.save(path, bundle.about, golden=bundle.golden)
        return path.read_bytes()


def read_bytes(content: bytes) -> Bundle:
    """Return the content of a model file, given its bytes.

    Raises:
        ModelError: if it is corrupted, or was not written by handgrad.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        path.write_bytes(content)
        return read_bundle(path)


def _format(content: bytes) -> int:
    """Return the format of a model file."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    written: int = json.loads(header["__metadata__"]["handgrad"])["format"]
    return written


def check_labels(labels: Sequence[str], classifier: Classifier) -> None:
    """Raise a ConfigError unless there is one name per class, and no two are equal."""
    count = len(classifier.classes)
    if len(labels) != count:
        raise ConfigError(
            f"--labels has {len(labels)} names, but the model has {count} classes; give one name "
            "per class"
        )
    for name in labels:
        _check_valid("label", name)
        if not name.strip():
            raise ConfigError("a name in --labels is empty; give one name per class")
        if list(labels).count(name) > 1:
            raise ConfigError(f"--labels has the name {name!r} twice; give each class its own name")


def labels_digest(labels: Sequence[str]) -> str:
    """Return the SHA-256 of the names, as the page computes it."""
    text = json.dumps(list(labels), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def pack(model: bytes, level: int = 9) -> str:
    """Return the bytes of a model file as text: compressed by zlib, in Base64.

    Args:
        model: the bytes.
        level: from 9, the smallest text, to 0, which does not compress but takes less time.
    """
    return base64.b64encode(zlib.compress(model, level)).decode()


@cache
def page_script() -> str:
    """Return the script of the page: the runtime and the page, without comments."""
    entry = PAGE / "app" / "main.js"
    script = without_comments(entry, joined(entry, NAME))
    used = {key for key in _TEXT.findall(script) if script.count(f'"{key}"') > 1}
    prefixes = tuple(re.findall(r"\bt\(`([\w.-]+\.)\$\{", script))
    kept = _TEXT.sub(lambda m: m[0] if m[1] in used or m[1].startswith(prefixes) else "", script)
    return f'{kept}if (typeof document !== "undefined") {NAME}.start();\n'


@cache
def page_style() -> str:
    """Return the style of the page, without comments."""
    parts = [(PAGE / name).read_text("utf-8") for name in ("style.css", "app/app.css")]
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", "".join(parts), flags=re.DOTALL))


def _check_can_run(classifier: Classifier) -> None:
    """Raise a ModelError if the page cannot classify images with a model."""
    shape, preprocessing = classifier.shape, classifier.preprocessing
    if len(shape) != 3 or shape[0] not in {1, 3}:
        raise ModelError(
            f"the network takes inputs of shape {shape}, but a page needs grey or RGB images; "
            "choose another model"
        )
    if preprocessing is not None and preprocessing.version == 1:
        raise ModelError(
            "the preprocessing of this model has steps of version 1, which only Python can "
            "compute; run `handgrad upgrade` on the model"
        )


def _answers(bundle: Bundle, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the answer for each golden image: its label, percentage and reason."""
    classifier, golden = bundle.classifier, bundle.golden
    p = (classifier.calibration or Calibration()).probabilities(golden.logits)
    reasons = classifier.doubt(golden.images, golden.logits, pixel_range=AS_THEY_ARE).tolist()
    if golden.raw is not None and classifier.preprocessing is not None:
        for n, image in enumerate(golden.raw):
            reasons[n] = classifier.preprocessing.check(image)[1] or reasons[n]
    return [
        {"label": names[k], "percent": round(100 * float(row[k]), 4), "reason": reason}
        for row, k, reason in zip(p, p.argmax(axis=1).tolist(), reasons, strict=True)
    ]


def _images(bundle: Bundle) -> list[tuple[str, str]]:
    """Return each golden image as a data URI, as it was before preprocessing, and what it is."""
    golden = bundle.golden
    raw = [] if golden.raw is None else list(golden.raw)
    shown = [png_uri(image) for image in raw]
    shown += [image_uri(image) for image in golden.images[len(raw) :]]
    return [(uri, f"Stored image {n} of {len(shown)}") for n, uri in enumerate(shown, 1)]


def _parameters(classifier: Classifier) -> int:
    return sum(array.size for array in classifier.network.parameters.values())


def _check_valid(name: str, text: str) -> None:
    """Raise a ConfigError if a text cannot be stored as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"the {name} {text!r} is not valid text; correct it") from None


def _csp_hash(text: str) -> str:
    """Return the hash of a script or style in a Content-Security-Policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
