"""`handgrad export`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.options import Quiet, RunPath, Verbose, folder_named
from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from handgrad.classifier import Bundle


def export(
    *,
    run: RunPath,
    onnx: Annotated[
        Path | None,
        typer.Option(metavar="FILE.onnx", help="For ONNX Runtime and its kin.", show_default=False),
    ] = None,
    torch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.pt2",
            help="For PyTorch: a program, or a state_dict where the name ends in .pt.",
            show_default=False,
        ),
    ] = None,
    hub: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            parser=folder_named,
            help="A folder as the Hugging Face Hub has it, with a model card.",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            metavar="",
            help="With --onnx: take red, green and blue as in a file, and prepare in the graph.",
        ),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Write a model for other programs; each takes images of the network's size.

    How they are to be prepared stands in the metadata, for the program to do. With --raw the ONNX
    graph does it, if it is grey and polarity alone: no operator resizes or crops quite as we do.

    What is written is asked the golden images again, where its runtime is installed.
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
        raise ConfigError("--raw is about the ONNX graph; give --onnx FILE.onnx")
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
        if bundle.net.preprocessing is not None:
            way = words(bundle.net.preprocessing)
            where = "in the graph" if raw else "to be done before, as its metadata says"
            screen.result(f"preprocessing {where}: {way}")
    if torch is not None:
        from handgrad.engines.torch.export import write_torch
        from handgrad.export.embedded_metadata import metadata

        write_torch(bundle.net, torch, metadata(bundle), bundle.golden.images)
        screen.result(f"PyTorch model in {torch}")
    if hub is not None:
        from handgrad.export.hub import write_hub

        write_hub(bundle, hub)
        screen.result(f"model with its card in {hub}")


def _check_onnx(bundle: Bundle, path: Path, raw: bool) -> None:
    """Raise a ModelError if ONNX Runtime, where it is installed, answers something else."""
    if find_spec("onnxruntime") is None:
        return
    from handgrad.export.verify import TOLERANCE, as_raw, difference, run_onnx

    images, expected = bundle.golden.images, bundle.golden.logits
    if raw:
        images, expected = as_raw(bundle.net, images)
    if not (apart := difference(run_onnx(path.read_bytes(), images), expected)) <= TOLERANCE:
        raise ModelError(
            f"{path}: ONNX Runtime answers the golden images with other logits, "
            f"{apart:.1e} away; do not use this file"
        )
