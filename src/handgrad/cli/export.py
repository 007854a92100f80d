"""`handgrad export`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

    Give at least one of --onnx, --torch, --hub and --c. An exported model takes images of the
    network's size. Your program must do the preprocessing, which is described in the metadata of
    the exported file. Only the C header does the preprocessing itself.

    With --raw, the ONNX graph does the preprocessing itself. This is possible only if the
    preprocessing converts to grayscale and inverts light and dark, but does not resize, because
    ONNX resizes images differently.

    If ONNX Runtime is installed, the ONNX graph is tested: on the sample images in the model file,
    it must reproduce the stored reference outputs (golden outputs). The same holds for the C header
    if a C compiler is installed.
    """
    from handgrad.classifier import read_bundle
    from handgrad.files import check_apart
    from handgrad.runs import model_file

    screen = Screen(quiet)
    if verbose:
        show_versions(screen)
    _check_options(
        {"--onnx": onnx, "--torch": torch, "--hub": hub, "--c": c},
        raw,
        name,
        int8,
        max_accuracy_loss,
    )
    model = model_file(run)
    for file in filter(None, (onnx, torch, c)):
        check_apart(file, [model])
    bundle = read_bundle(model)
    if onnx is not None:
        from handgrad.export.onnx import write_onnx
        from handgrad.export.onnx_preprocessing import words

        write_onnx(bundle, onnx, raw=raw)
        _check_onnx(bundle, onnx, raw)
        screen.result(f"wrote the ONNX graph to {onnx}")
        if bundle.classifier.preprocessing is not None:
            steps = words(bundle.classifier.preprocessing)
            of = " of files and of arrays" if bundle.classifier.preprocesses_arrays else ""
            if raw:
                screen.result(f"the graph does the preprocessing{of}: {steps}")
            else:
                screen.result(f"your program must do the preprocessing{of}: {steps}")
    if torch is not None:
        from handgrad.engines.torch.export import write_torch
        from handgrad.export.embedded_metadata import metadata

        write_torch(bundle.classifier.network, torch, metadata(bundle), bundle.golden.images)
        screen.result(f"wrote the PyTorch model to {torch}")
    if hub is not None:
        from handgrad.export.hub import write_hub

        write_hub(bundle, hub)
        screen.result(f"wrote the model and its model card to {hub}")
    if c is not None:
        _write_c(screen, bundle, c, name or "net", int8, max_accuracy_loss)


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


def _check_options(
    outputs: dict[str, Path | None],
    raw: bool,
    name: str | None,
    int8: bool,
    max_loss: float | None,
) -> None:
    """Raise a ConfigError if there is nothing to write, or if an option would have no effect."""
    if not any(outputs.values()):
        raise ConfigError("nothing to write; give --onnx, --torch, --hub or --c")
    if raw and outputs["--onnx"] is None:
        raise ConfigError("--raw applies to the ONNX graph only; give --onnx FILE.onnx")
    if name is not None and outputs["--c"] is None:
        raise ConfigError("--name applies to the C header only; give --c FILE.h")
    if int8 and outputs["--c"] is None:
        raise ConfigError("--int8 applies to the C header only; give --c FILE.h")
    if max_loss is not None and not int8:
        raise ConfigError("--max-accuracy-loss applies to integers only; give --int8")


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
