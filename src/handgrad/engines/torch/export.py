"""A network as a file that PyTorch loads without handgrad."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from handgrad.engines.torch.modules import tensors, to_torch
from handgrad.errors import ModelError
from handgrad.files import replacing
from handgrad.network import Network


class FromImages(nn.Module):
    """The network behind what brings raw images, uint8 0..255, to 0..1.

    Args:
        body: the network.
        of_bytes: whether the images are uint8; if not, they are taken as they come.
    """

    def __init__(self, body: nn.Module, of_bytes: bool) -> None:
        super().__init__()
        self.body, self.of_bytes = body, of_bytes

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) -> logits (N, K)."""
        X = images.float() * (1 / 255) if self.of_bytes else images
        logits: Tensor = self.body(X)
        return logits


def write_torch(net: Network, path: Path, about: Mapping[str, str], images: NDArray[Any]) -> None:
    """Write a network for PyTorch.

    A name that ends in .pt2 makes a program, with any number of images in a batch: load it with
    ``torch.export.load(path).module()``. One that ends in .pt makes a ``state_dict``.

    Args:
        net: the network.
        path: where to.
        about: what else to remember, as text by name; a ``state_dict`` has no room for it.
        images: some that the network takes, uint8 or float32; the program takes such.

    Raises:
        ModelError: if the path has another suffix, or a layer has no counterpart.
    """
    if path.suffix == ".pt":
        with replacing(path) as temporary:
            torch.save(tensors(net.arrays), temporary)
        return
    if path.suffix != ".pt2":
        raise ModelError(
            f"{path}: a PyTorch file must be named something.pt2, or .pt for a state_dict"
        )
    module = FromImages(to_torch(net).float(), images.dtype == np.uint8).eval()
    examples = torch.from_numpy(np.concatenate([images, images]))
    batch = {0: torch.export.Dim("N")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, about its own insides
        program = torch.export.export(module, (examples,), dynamic_shapes=(batch,))
        with replacing(path) as temporary:
            torch.export.save(program, temporary, extra_files=dict(about))
