"""Writes a network as a file that PyTorch can load without handgrad."""

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
    """A PyTorch module that scales uint8 images from 0..255 to 0..1, and then applies a network.

    Args:
        body: the network.
        of_bytes: whether the images are uint8. Other images are not scaled.
    """

    def __init__(self, body: nn.Module, of_bytes: bool) -> None:
        super().__init__()
        self.body, self.of_bytes = body, of_bytes

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, K)."""
        X = images.float() * (1 / 255) if self.of_bytes else images
        logits: Tensor = self.body(X)
        return logits


def write_torch(net: Network, path: Path, about: Mapping[str, str], images: NDArray[Any]) -> None:
    """Write a network to a file for PyTorch.

    If the path ends in .pt2, the file contains a program for batches of any size. Load it with
    ``torch.export.load(path).module()``. If the path ends in .pt, the file contains a
    ``state_dict``.

    Args:
        net: the network.
        path: the file to write.
        about: metadata, as strings keyed by name. A ``state_dict`` cannot store metadata.
        images: example images for the network. The program accepts only their dtype, which is
            uint8 or float32.

    Raises:
        ModelError: if the path has a different suffix, or a layer has no PyTorch counterpart.
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
        warnings.simplefilter("ignore")  # PyTorch's warnings about its own internals
        program = torch.export.export(module, (examples,), dynamic_shapes=(batch,))
        with replacing(path) as temporary:
            torch.export.save(program, temporary, extra_files=dict(about))
