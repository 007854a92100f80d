"""`handgrad export`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.options import Quiet, RunPath, Verbose, output_folder
from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from handgrad.classifier import Bundle
    from handgrad.export.c.quantize import Quantized


def export(
    *,
    run: RunPath,
    onnx: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.onnx",
            help="Write an ONNX graph to this file, for ONNX Runtime and similar programs.",
            show_default=False,
        ),
    ] = None,
    torch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.pt2",
            help="Write a file for PyTorch: an ExportedProgram if the name ends in .pt2, or a "
            "state_dict if it ends in .pt.",
            show_default=False,
        ),
    ] = None,
    hub: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            parser=output_folder,
            help="Write a folder for the Hugging Face Hub, with the model and a model card. "
            "Nothing is uploaded.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Write one HTML file that classifies images in a browser, without a network.",
            show_default=False,
        ),
    ] = None,
    title: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="With --html: the heading of the page. Default: the names of network and data.",
            show_default=False,
        ),
    ] = None,
    description: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="With --html: the text below the heading. Default: the names of the classes.",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="With --html: the names to show instead of the class names, separated by commas, "
            "or a text file with one name per line.",
            show_default=False,
        ),
    ] = None,
    without_score: Annotated[
        bool,
        typer.Option(
            "--without-score",
            metavar="",
            help="With --html: leave out the out-of-distribution score. The file becomes smaller, "
            'and never answers "unlike the training data".',
        ),
    ] = False,
    c: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.h",
            help="Write a C99 header with the network, all of the preprocessing and a self-test, "
            "for microcontrollers and similar programs.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With --c: what all names in the header begin with. Default: net.",
            show_default=False,
        ),
    ] = None,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            metavar="",
            help="With --c: compute with integers of 8 bits. The loss of accuracy is measured on "
            "the validation and test images.",
        ),
    ] = False,
    max_accuracy_loss: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0.0,
            help="With --int8: the largest accepted loss of accuracy, in percentage points. "
            "Default: 0.5.",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            metavar="",
            help="With --onnx: the graph takes raw RGB images and does the preprocessing itself.",
        ),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Export a model to other formats.

    Give at least one of --onnx, --torch, --hub, --html and --c. The ONNX graph and the PyTorch
    model take images of the network's size. Your program must do the preprocessing, which is
    described in the metadata of the exported file.

    With --raw, the ONNX graph does the preprocessing itself. This is possible only if the
    preprocessing converts to grayscale and inverts light and dark, but does not resize, because
    ONNX resizes images differently.

    If ONNX Runtime is installed, the ONNX graph is tested: on the sample images in the model file,
    it must reproduce the stored reference outputs (golden outputs).

    The HTML file does everything itself, and shows on opening whether it reproduces these outputs.
    The C header does everything itself too, and contains a test of this.
    """
    from handgrad.classifier import read_bundle
    from handgrad.files import check_apart
    from handgrad.runs import model_file

    screen = Screen(quiet)
    if verbose:
        show_versions(screen)
    texts = {"title": title, "description": description, "labels": labels}
    if all(path is None for path in (onnx, torch, hub, html, c)):
        raise ConfigError("nothing to write; give --onnx, --torch, --hub, --html or --c")
    page = texts | {"without-score": without_score or None}
    _check_unused(onnx, "--onnx FILE.onnx", "the ONNX graph", {"raw": raw or None})
    _check_unused(html, "--html FILE.html", "the page", page)
    _check_unused(c, "--c FILE.h", "the C header", {"name": name, "int8": int8 or None})
    _check_unused(int8 or None, "--int8", "integers", {"max-accuracy-loss": max_accuracy_loss})
    model = model_file(run)
    for file in filter(None, (onnx, torch, html, c)):
        check_apart(file, [model])
    bundle = read_bundle(model)
    if onnx is not None:
        _write_onnx(screen, bundle, onnx, raw)
    if torch is not None:
        from handgrad.engines.torch.export import write_torch
        from handgrad.export.embedded_metadata import metadata

        write_torch(bundle.classifier.network, torch, metadata(bundle), bundle.golden.images)
        screen.result(f"wrote the PyTorch model to {torch}")
    if hub is not None:
        from handgrad.export.hub import write_hub

        write_hub(bundle, hub)
        screen.result(f"wrote the model and its model card to {hub}")
    if html is not None:
        _write_html(screen, bundle, model, html, without_score, texts)
    if c is not None:
        _write_c(screen, bundle, c, name or "net", int8, max_accuracy_loss)


def _check_unused(given: object, needed: str, subject: str, options: Mapping[str, Any]) -> None:
    """Raise a ConfigError if an option has no effect because another option is not given."""
    for name, value in options.items():
        if value is not None and given is None:
            raise ConfigError(f"--{name} applies to {subject} only; give {needed}")


def _write_onnx(screen: Screen, bundle: Bundle, path: Path, raw: bool) -> None:
    """Write a model as an ONNX graph, check it, and print who does the preprocessing."""
    from handgrad.export.onnx import write_onnx
    from handgrad.export.onnx_preprocessing import words

    write_onnx(bundle, path, raw=raw)
    _check_onnx(bundle, path, raw)
    screen.result(f"wrote the ONNX graph to {path}")
    if bundle.classifier.preprocessing is not None:
        steps = words(bundle.classifier.preprocessing)
        of = " of files and of arrays" if bundle.classifier.preprocesses_arrays else ""
        if raw:
            screen.result(f"the graph does the preprocessing{of}: {steps}")
        else:
            screen.result(f"your program must do the preprocessing{of}: {steps}")


def _write_html(
    screen: Screen,
    bundle: Bundle,
    model: Path,
    page: Path,
    without_score: bool,
    texts: Mapping[str, str | None],
) -> None:
    """Write a model as one HTML file, check it in V8 if that is installed, and print its size."""
    from handgrad.export.html_file import embedded_models, write_html
    from handgrad.export.verify import TOLERANCE, verify_html

    content, smaller = embedded_models(bundle, model)
    if without_score and bundle.classifier.ood is None:
        raise ConfigError(
            f"{model}: has no out-of-distribution score to leave out; omit --without-score"
        )
    write_html(
        smaller if without_score else content,
        page,
        title=texts["title"],
        description=texts["description"],
        labels=None if texts["labels"] is None else _names(texts["labels"]),
    )
    found = verify_html(bundle, model, page)
    if found.difference is not None and found.difference > TOLERANCE:
        raise ModelError(
            f"{page}: its logits differ by {found.difference:.1e} from the stored reference "
            "outputs; do not use this file"
        )
    screen.result(f"wrote the page to {page} ({page.stat().st_size / 1000:,.0f} kB)")
    if not without_score and bundle.classifier.ood is not None:
        saved = (len(content) - len(smaller)) * 4 / 3 / 1000
        screen.result(
            f"about {saved:,.0f} kB of it are the out-of-distribution score; --without-score "
            "leaves it out"
        )


def _names(labels: str) -> list[str]:
    """Return the names in a list such as "cat,dog", or in a file with one name per line."""
    from handgrad.files import expanded

    path = expanded(labels)
    try:
        if path.is_file():
            return path.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"--labels {labels}: cannot be read ({error}); check the file") from None
    if "," not in labels:
        raise ConfigError(
            f"--labels {labels}: there is no such file; give names separated by commas, or a text "
            "file with one name per line"
        )
    return [name.strip() for name in labels.split(",")]


def _write_c(
    screen: Screen, bundle: Bundle, path: Path, name: str, int8: bool, max_loss: float | None
) -> None:
    """Write a C header, run its self-test, and print the memory and the work that it needs."""
    from handgrad.export.c import write_c

    quantized = _quantized(screen, bundle, max_loss) if int8 else None
    size = write_c(bundle, path, name=name, quantized=quantized)
    lines = [f"wrote the C header to {path}", *size.lines()]
    if quantized is not None:
        lines += quantized.report
    screen.result("\n".join([*lines, _tested_c(path)]))


def _quantized(screen: Screen, bundle: Bundle, max_loss: float | None) -> Quantized:
    """Return the quantized network, measured on the validation and test images of the run."""
    from handgrad.export.c.cost import MAX_LOSS, quantize
    from handgrad.runs import load_test, load_validation

    steps = bundle.classifier.preprocessing
    train, validation = load_validation(bundle.about, progress=screen.progress, preprocessing=steps)
    test = load_test(bundle.about, progress=screen.progress, preprocessing=steps)
    images = {"validation": validation, "test": test}
    limit = MAX_LOSS if max_loss is None else max_loss
    return quantize(bundle.classifier, train, images, limit)


def _tested_c(path: Path) -> str:
    """Return the output of a C header's self-test, or that no compiler is installed."""
    from handgrad.errors import MissingExtraError
    from handgrad.export.c.compiler import run_test

    try:
        status, printed = run_test(path)
    except MissingExtraError as error:
        return f"not tested: {error}"
    if status:
        raise ModelError(f"{path}: {printed}; do not use this file")
    return printed


def _check_onnx(bundle: Bundle, path: Path, raw: bool) -> None:
    """Raise a ModelError if ONNX Runtime is installed but does not reproduce the stored outputs."""
    if find_spec("onnxruntime") is None:
        return
    from handgrad.export.verify import TOLERANCE, as_raw, difference, run_onnx

    images, expected = bundle.golden.images, bundle.golden.logits
    if raw:
        images, expected = as_raw(bundle.classifier, images)
    if not (apart := difference(run_onnx(path.read_bytes(), images), expected)) <= TOLERANCE:
        raise ModelError(
            f"{path}: the logits of ONNX Runtime differ by {apart:.1e} from the stored reference "
            "outputs; do not use this file"
        )
