"""`handgrad export`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.options import Quiet, RunPath, Verbose, folder_named
from handgrad.cli.screen import Screen, note_versions
from handgrad.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from handgrad.bundle import Bundle


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
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Write a model for other programs; each takes raw pictures of the network's size.

    Cropping to the ink and other steps of the preparation are not in the file but in its metadata.

    What is written is asked the golden pictures again, where its runtime is installed.
    """
    from handgrad.bundle import read_bundle
    from handgrad.runs import model_file

    screen = Screen(quiet)
    if verbose:
        note_versions(screen)
    if onnx is None and torch is None and hub is None:
        raise ConfigError("nothing to write; give --onnx, --torch or --hub")
    bundle = read_bundle(model_file(run))
    if onnx is not None:
        from handgrad.bundle.onnx import write_onnx

        write_onnx(bundle, onnx)
        _check_onnx(bundle, onnx)
        screen.result(f"ONNX graph in {onnx}")
    if torch is not None:
        from handgrad.bundle.foreign import metadata
        from handgrad.engines.torch.export import write_torch

        write_torch(bundle.net, torch, metadata(bundle), bundle.golden.pictures)
        screen.result(f"PyTorch model in {torch}")
    if hub is not None:
        from handgrad.bundle.hub import write_hub

        write_hub(bundle, hub)
        screen.result(f"model with its card in {hub}")


def _check_onnx(bundle: Bundle, path: Path) -> None:
    """Raise a ModelError if ONNX Runtime, where it is installed, answers something else."""
    if find_spec("onnxruntime") is None:
        return
    from handgrad.verify.golden import TOLERANCE, difference, run_onnx

    found = run_onnx(path.read_bytes(), bundle.golden.pictures)
    if not (apart := difference(found, bundle.golden.logits)) <= TOLERANCE:
        raise ModelError(
            f"{path}: ONNX Runtime answers the golden pictures with other logits, "
            f"{apart:.1e} away; do not use this file"
        )
