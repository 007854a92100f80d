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


def export(
    *,
    run: RunPath,
    onnx: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.onnx",
            help="For ONNX Runtime and other ONNX runtimes.",
            show_default=False,
        ),
    ] = None,
    torch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.pt2",
            help="For PyTorch: a program, or a state_dict if the name ends in .pt.",
            show_default=False,
        ),
    ] = None,
    hub: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            parser=output_folder,
            help="A folder for the Hugging Face Hub, with a model card.",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            metavar="",
            help="With --onnx: take raw RGB images, and preprocess them in the graph.",
        ),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Write a model for other programs; they take images of the network's size.

    The metadata describes the preprocessing, which the program must do.

    With --raw the ONNX graph does it, if it only makes images gray and sets
    their polarity. ONNX resizes differently.

    If ONNX Runtime is installed, the ONNX graph is tested with the golden images.
    """
    from handgrad.classifier import read_bundle
    from handgrad.files import check_apart
    from handgrad.runs import model_file

    screen = Screen(quiet)
    if verbose:
        show_versions(screen)
    if onnx is None and torch is None and hub is None:
        raise ConfigError("nothing to write; give --onnx, --torch or --hub")
    if raw and onnx is None:
        raise ConfigError("--raw applies to the ONNX graph only; give --onnx FILE.onnx")
    model = model_file(run)
    for file in filter(None, (onnx, torch)):
        check_apart(file, [model])
    bundle = read_bundle(model)
    if onnx is not None:
        from handgrad.export.onnx import write_onnx
        from handgrad.export.onnx_preprocessing import words

        write_onnx(bundle, onnx, raw=raw)
        _check_onnx(bundle, onnx, raw)
        screen.result(f"ONNX graph in {onnx}")
        if bundle.classifier.preprocessing is not None:
            way = words(bundle.classifier.preprocessing)
            where = "in the graph" if raw else "before the graph, as its metadata says"
            screen.result(f"preprocessing {where}: {way}")
    if torch is not None:
        from handgrad.engines.torch.export import write_torch
        from handgrad.export.embedded_metadata import metadata

        write_torch(bundle.classifier.network, torch, metadata(bundle), bundle.golden.images)
        screen.result(f"PyTorch model in {torch}")
    if hub is not None:
        from handgrad.export.hub import write_hub

        write_hub(bundle, hub)
        screen.result(f"model with its card in {hub}")


def _check_onnx(bundle: Bundle, path: Path, raw: bool) -> None:
    """Raise a ModelError if ONNX Runtime is installed and its golden outputs differ."""
    if find_spec("onnxruntime") is None:
        return
    from handgrad.export.verify import TOLERANCE, as_raw, difference, run_onnx

    images, expected = bundle.golden.images, bundle.golden.logits
    if raw:
        images, expected = as_raw(bundle.classifier, images)
    if not (apart := difference(run_onnx(path.read_bytes(), images), expected)) <= TOLERANCE:
        raise ModelError(
            f"{path}: ONNX Runtime answers the golden images with other logits, "
            f"{apart:.1e} away; do not use this file"
        )
